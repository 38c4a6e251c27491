-- The fenced commit: {previous token -> new token, cursor, outputs} of one stage, as a whole or not at all.
--
-- A script does not roll back, so everything that can be refused is checked before the first write. The chain of random
-- tokens needs no epoch: after a failover or a truncated AOF the stored token is simply an older one, and every process
-- whose memory is ahead of it is refused, whatever numbers were issued before.
--
-- KEYS  1 chain hash   2 halt hash   3 risk freshness   4 policy bundle   5 state hash   6 counts hash
--       7 … 6+I input streams        then O output streams
-- ARGV  previous token, new token, consumer group, I, O, digest,
--       number of halt targets, targets …,
--       number of conditions (0 or 3), what is assumed of them as conditions.lua gives them, '*' = does not matter,
--       microseconds for which this commit vouches for the risk verdicts, or 0,
--       number of halts to set, {target, document} …,
--       number of cursors, {name, value, index of the input stream or 0} …,
--       number of entries, {index of the output stream, id, channel, number of fields, fields …} …,
--       number of state changes, {field, value, '1' set | '0' delete} …,
--       number of counters, {name, increment} …
-- Reply {'ok'} | {'done'} (this very commit was made before) | {'fenced', stored token} | {'halted', target}
--       | {'changed', conditions …}

local at = 0
local function take()
  at = at + 1
  return ARGV[at]
end
local function take_number()
  return tonumber(take())
end
local function type_of(key)
  local reply = redis.call('TYPE', key)
  return reply['ok'] or reply
end

local previous, new, group = take(), take(), take()
local inputs, outputs, digest = take_number(), take_number(), take()

local stored = redis.call('HGET', KEYS[1], 'token') or ''
if stored == new then return {'done'} end
if stored ~= previous then return {'fenced', stored} end

local targets = {}
for i = 1, take_number() do targets[i] = take() end
if #targets > 0 then
  local halts = redis.call('HMGET', KEYS[2], unpack(targets))
  for i = 1, #targets do
    if halts[i] then return {'halted', targets[i]} end
  end
end
local assumed = {}
for i = 1, take_number() do assumed[i] = take() end
if #assumed > 0 then
  local holding = conditions(KEYS[2], KEYS[3], KEYS[4])
  for i = 1, #assumed do
    if assumed[i] ~= '*' and assumed[i] ~= holding[i] then return {'changed', unpack(holding)} end
  end
end
local vouched_us = take_number()
local halts = {}
for i = 1, take_number() do halts[i] = {take(), take()} end
for _, i in ipairs({2, 5, 6}) do
  local found = type_of(KEYS[i])
  if found ~= 'hash' and found ~= 'none' then
    return redis.error_reply('WRONGTYPE ' .. KEYS[i] .. ' is a ' .. found .. ', not a hash')
  end
end
for i = 7 + inputs, 6 + inputs + outputs do
  local found = type_of(KEYS[i])
  if found ~= 'stream' and found ~= 'none' then
    return redis.error_reply('WRONGTYPE ' .. KEYS[i] .. ' is a ' .. found .. ', not a stream')
  end
end

-- Nothing was written up to here. Explicit ids come first: only the first XADD of them can be refused, before any write.
local cursors = {}
for i = 1, take_number() do cursors[i] = {take(), take(), take_number()} end
for _ = 1, take_number() do
  local stream, id, channel, fields = KEYS[6 + inputs + take_number()], take(), take(), take_number()
  local added = redis.call('XADD', stream, id, unpack(ARGV, at + 1, at + fields))
  if channel ~= '' then
    redis.call('PUBLISH', channel, '{"id":"' .. added .. '","payload":' .. ARGV[at + 4] .. '}')
  end
  at = at + fields
end
for _ = 1, take_number() do
  local field, value, set = take(), take(), take()
  if set == '1' then redis.call('HSET', KEYS[5], field, value) else redis.call('HDEL', KEYS[5], field) end
end
for _ = 1, take_number() do
  local name, by = take(), take()
  redis.call('HINCRBY', KEYS[6], name, by)
end
-- Whoever halted first is right: a later cause must not hide it.
for i = 1, #halts do redis.call('HSETNX', KEYS[2], halts[i][1], halts[i][2]) end
if vouched_us > 0 then
  local now = redis.call('TIME')
  redis.call('SET', KEYS[3], string.format('%.0f', now[1] * 1000000 + now[2] + vouched_us))
end
redis.call('HSET', KEYS[1], 'token', new)
if digest ~= '' then redis.call('HSET', KEYS[1], 'digest', digest) end
for i = 1, #cursors do
  redis.call('HSET', KEYS[1], 'in:' .. cursors[i][1], cursors[i][2])
end
-- The group is a gauge for KEDA, XINFO and people. It comes last and may fail: a missing group must not look like a
-- failed commit. An id is its own sequence number, so ENTRIESREAD is exact and the reported lag is too.
for i = 1, #cursors do
  if cursors[i][3] > 0 then
    redis.pcall('XGROUP', 'SETID', KEYS[6 + cursors[i][3]], group, '0-' .. cursors[i][2], 'ENTRIESREAD', cursors[i][2])
  end
end
return {'ok'}
