-- Moves or drops a client in the list of reviews, unless somebody else has moved it on. KEYS: 1 the list. ARGV: 1 client; 2 until when
-- it is listed at the latest; 3 for when it is to be listed, empty to drop it.
local listed = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not listed or tonumber(listed) > tonumber(ARGV[2]) then
    return 'moved'
end
if ARGV[3] == '' then
    redis.call('ZREM', KEYS[1], ARGV[1])
    return 'moved'
end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return tonumber(ARGV[3]) > tonumber(ARGV[2]) and 'moved' or 'kept'
