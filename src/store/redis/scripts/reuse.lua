-- Stores an access token under a refresh token that stays. ARGV: 9 the new expiry of the refresh token, 10 when it may be
-- evicted, empty for never.
local grant = find_grant()
if not grant or is_revoked(grant) then
    return 'unknown'
end
local token = find_refresh()
if not token or is_retired(token) then
    return 'unknown'
end
if redis.call('EXISTS', KEYS[4]) == 1 then
    return 'taken'
end
if not lists_reach(grant) then
    return { 'lists', grant }
end
name_permanent()
if ARGV[10] == '' then
    redis.call('SADD', KEYS[3], KEYS[5])
    redis.call('PERSIST', KEYS[5])
end
redis.call('SETRANGE', KEYS[5], 1, ARGV[9])
if ARGV[10] ~= '' then
    redis.call('PEXPIREAT', KEYS[5], ARGV[10])
end
raise(grant)
store_tokens(grant, '')
return 'accepted'
