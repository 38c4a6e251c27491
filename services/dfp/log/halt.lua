-- Latch a halt together with the alert that tells of it; whoever halted first stays.
-- KEYS  1 halt hash   2 alert stream
-- ARGV  target, halt document, channel, fields of the alert's entry …
-- Reply '' | the halt document that holds already
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held then return held end
local added = redis.call('XADD', KEYS[2], '0-*', unpack(ARGV, 4))
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PUBLISH', ARGV[3], '{"id":"' .. added .. '","payload":' .. ARGV[7] .. '}')
return ''
