-- Gives back one call that was taken and then not made. KEYS: 1 the limit. ARGV: 1 microseconds in which one call comes back.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local whole = tonumber(redis.call('GET', KEYS[1]) or 0) - tonumber(ARGV[1])
if whole > now then
    local milliseconds = math.ceil((whole - now) / 1000)
    redis.call('SET', KEYS[1], string.format('%.0f', whole), 'PX', string.format('%.0f', milliseconds))
else
    redis.call('DEL', KEYS[1])
end
return 'given back'
