-- Replaces a client by the same with the use of a secret. KEYS: 1 client. ARGV: 1 the client as it was read, 2 the client.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 'conflict'
end
redis.call('SET', KEYS[1], ARGV[2])
return 'touched'
