-- Counts a call under several limits, all or none. KEYS: one for each limit. ARGV, for each: microseconds in which one call comes
-- back, how many may come at once, 'take' or 'look'. Returns how many microseconds to wait; 0 if the call may go on.
--
-- A key holds when its quota is whole again, by the clock of this server.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local wait = 0
local whole = {}
for i = 1, #KEYS do
    local interval, burst = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1])
    -- Nothing is further off than a whole burst, whatever another server's clock said.
    local at = math.min(tonumber(redis.call('GET', KEYS[i]) or 0), now + interval * burst)
    whole[i] = math.max(at, now) + interval
    wait = math.max(wait, whole[i] - interval * burst - now)
end
if wait == 0 then
    for i = 1, #KEYS do
        if ARGV[3 * i] == 'take' then
            local milliseconds = math.ceil((whole[i] - now) / 1000)
            redis.call('SET', KEYS[i], string.format('%.0f', whole[i]), 'PX', string.format('%.0f', milliseconds))
        end
    end
end
return string.format('%.0f', wait)
