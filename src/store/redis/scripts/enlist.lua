-- Names a member in a list. KEYS: 1 members in order, 2 when to look whether they are there. ARGV: 1 member; 2 when to look;
-- 3 for how long the list is kept, empty for ever; 4 how long from now to look if 2 is empty.
--
-- Returns when it will be looked for, and members that it is time to look for.
redis.call('ZCARD', KEYS[1])
redis.call('ZCARD', KEYS[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local look_at = ARGV[2]
if look_at == '' then
    look_at = now + ARGV[4]
    -- Whoever entered it in the same millisecond must not settle this entry with theirs.
    local entered = redis.call('ZSCORE', KEYS[2], ARGV[1])
    if entered and tonumber(entered) >= look_at then
        look_at = tonumber(entered) + 1
    end
    look_at = string.format('%.0f', look_at)
end
for i, key in ipairs(KEYS) do
    local kept = redis.call('PTTL', key)
    if i == 1 then
        redis.call('ZADD', key, 0, ARGV[1])
    else
        redis.call('ZADD', key, 'GT', look_at, ARGV[1])
    end
    if ARGV[3] == '' then
        redis.call('PERSIST', key)
    elseif kept == -2 or kept ~= -1 and now + kept < tonumber(ARGV[3]) then
        redis.call('PEXPIREAT', key, ARGV[3])
    end
end
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now), 'LIMIT', 0, 4)
return { look_at, unpack(due) }
