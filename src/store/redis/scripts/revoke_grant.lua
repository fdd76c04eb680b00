-- Revokes a grant. KEYS: 1 grant, 2 code, 3 names of tokens that never expire. ARGV: 1 the instant.
--
-- Tokens that expire are evicted when they do, and the grant is kept for longer, so that they are not found again. Those
-- that never do are deleted, so that the grant need not be kept for ever.
local DAY = 86400000

local grant = find_grant()
if not grant then
    return 'unchanged'
end
if is_revoked(grant) then
    -- Writes all the same, so that whoever waits for replicas waits for this revocation.
    redis.call('UNLINK', KEYS[2])
    redis.call('SETRANGE', KEYS[1], 19, SET)
    return 'unchanged'
end
local permanent = redis.call('SMEMBERS', KEYS[3])

-- The last expiry as a number. Beyond 2^53 it is not exact, and need not be: no server runs for so long.
local last = grant:byte(3) - 128
for i = 4, 10 do
    last = last * 256 + grant:byte(i)
end
last = math.max(math.min(last, 9007199254000000), 0)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- A server that is out of memory refuses the first write of a script if it takes memory, but deletes. So this comes first, and
-- grants can be revoked even then.
redis.call('UNLINK', KEYS[2], KEYS[3])
for _, key in ipairs(permanent) do
    redis.call('UNLINK', key)
end
redis.call('SETRANGE', KEYS[1], 19, SET .. ARGV[1])
-- Whoever began to store something under the grant before it was revoked is done within a day, and its consent form is over.
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', math.max(last, now) + DAY))
return 'revoked'
