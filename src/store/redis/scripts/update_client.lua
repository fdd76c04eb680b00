-- Replaces a client. KEYS: 1 client. ARGV: 1 the version that it must have, 2 the client.
local client = redis.call('GET', KEYS[1])
if not client then
    return 'unknown'
end
if client:sub(1, 8) ~= ARGV[1] then
    return 'conflict'
end
redis.call('SET', KEYS[1], ARGV[2])
return 'updated'
