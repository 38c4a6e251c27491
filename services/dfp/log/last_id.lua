-- KEYS  1 stream
-- Reply the newest id that the stream ever had; nil when there is no stream
if redis.call('EXISTS', KEYS[1]) == 0 then
  return false
end
local info = redis.call('XINFO', 'STREAM', KEYS[1])
for place = 1, #info, 2 do
  if info[place] == 'last-generated-id' then
    return info[place + 1]
  end
end
