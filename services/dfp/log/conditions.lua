-- A library for the other scripts: the conditions that hold now, as {risk is fresh '1' | '0', version of the policy bundle,
-- halted targets, sorted and separated by spaces}.
local function conditions(halt, freshness, policies)
  local now = redis.call('TIME')
  local until_us = tonumber(redis.call('GET', freshness) or '0')
  local halts = redis.call('HKEYS', halt)
  table.sort(halts)
  return {
    until_us > now[1] * 1000000 + now[2] and '1' or '0',
    redis.call('HGET', policies, 'version') or '',
    table.concat(halts, ' '),
  }
end

