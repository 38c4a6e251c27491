-- End a halt together with the alert that tells of it.
-- KEYS  1 halt hash   2 alert stream
-- ARGV  target, channel, fields of the alert's entry …
-- Reply 1 | 0: there was no halt
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
local added = redis.call('XADD', KEYS[2], '0-*', unpack(ARGV, 3))
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('PUBLISH', ARGV[2], '{"id":"' .. added .. '","payload":' .. ARGV[6] .. '}')
return 1
