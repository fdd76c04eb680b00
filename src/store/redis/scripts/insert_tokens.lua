-- Stores tokens, and their grant if it is new. ARGV: 9 the grant.
local grant = find_grant()
if grant and is_revoked(grant) or is_taken() then
    return 'conflict'
end
if grant and not lists_reach(grant) then
    return { 'lists', grant }
end
name_permanent()
if grant then
    raise(grant)
else
    grant = ARGV[9]
    redis.call('DEL', KEYS[2])
    put(KEYS[1], grant, ARGV[2])
end
store_tokens(grant, '')
return 'inserted'
