-- Settles whether members of a list are there. KEYS: 1 members in order, 2 when to look for them. ARGV, for each of them: the
-- member; when it was to be looked for, empty if that is past by now; whether to keep or drop it.
--
-- One that somebody else has entered since may just be being stored: it stays as it is. One that nobody is to look for was
-- settled since, perhaps because it has been stored since: it is not dropped, but looked for again later.
local LATER = 3600000

redis.call('ZCARD', KEYS[1])
redis.call('ZCARD', KEYS[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 1, #ARGV, 3 do
    local look_at = redis.call('ZSCORE', KEYS[2], ARGV[i])
    local settled
    if ARGV[i + 1] == '' then
        settled = look_at and tonumber(look_at) <= now
    else
        settled = look_at and tonumber(look_at) == tonumber(ARGV[i + 1])
    end
    if not look_at and ARGV[i + 2] == 'drop' and redis.call('ZSCORE', KEYS[1], ARGV[i]) then
        redis.call('ZADD', KEYS[2], string.format('%.0f', now + LATER), ARGV[i])
    elseif settled then
        redis.call('ZREM', KEYS[2], ARGV[i])
        if ARGV[i + 2] == 'drop' then
            redis.call('ZREM', KEYS[1], ARGV[i])
        end
    end
end
return 'done'
