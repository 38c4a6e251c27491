-- Put a staged snapshot in place, only while the writer still owns the chain and the chain has not fallen behind it: an
-- overtaken process must not replace a newer snapshot, because entries behind that one may be trimmed already.
-- KEYS  1 chain hash   2 staged snapshot   3 snapshot   4 floors of the input stream
-- ARGV  1 claim   2 input stream   3 cursor of the snapshot   4 reader
-- Reply 1 when it was put in place.
local chain = redis.call('HMGET', KEYS[1], 'claim', 'in:' .. ARGV[2])
if chain[1] ~= ARGV[1] or tonumber(chain[2] or '0') < tonumber(ARGV[3]) then
  redis.call('DEL', KEYS[2])
  return 0
end
redis.call('RENAME', KEYS[2], KEYS[3])
redis.call('HSET', KEYS[4], ARGV[4], ARGV[3])
return 1
