-- Stores a grant, with its code if it has one. KEYS: 1 grant, 2 code. ARGV: 1 grant, 2 code or nothing, 3 when both may be
-- evicted.
if redis.call('EXISTS', KEYS[1]) == 1 then
    return 'conflict'
end
redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[3])
if ARGV[2] ~= '' then
    redis.call('SET', KEYS[2], ARGV[2], 'PXAT', ARGV[3])
else
    redis.call('DEL', KEYS[2])
end
return 'inserted'
