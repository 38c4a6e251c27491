-- Take a stage over: the lease when it is free or already ours, and the head of the chain, so that whoever held it before
-- is refused from now on, however alive it is.
-- KEYS  1 lease   2 chain hash
-- ARGV  1 identity   2 lease time in ms   3 new token
-- Reply {'held', identity of the holder, remaining ms} | {'claimed', token before, field, value, …} (the chain as it is now)
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return {'held', holder, redis.call('PTTL', KEYS[1])}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local before = redis.call('HGET', KEYS[2], 'token') or ''
redis.call('HSET', KEYS[2], 'token', ARGV[3], 'claim', ARGV[3])
local chain = redis.call('HGETALL', KEYS[2])
table.insert(chain, 1, 'claimed')
table.insert(chain, 2, before)
return chain
