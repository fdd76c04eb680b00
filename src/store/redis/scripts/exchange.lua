-- Redeems a code and stores what it buys. ARGV: 9 hash of the code, 10 the instant.
local grant = find_grant()
if not grant or is_revoked(grant) then
    return 'unknown'
end
local code = find_code(ARGV[9])
if not code then
    return 'unknown'
end
if is_redeemed(code) then
    return 'replayed'
end
if is_taken() then
    return 'taken'
end
if not lists_reach(grant) then
    return { 'lists', grant }
end
name_permanent()
redeem(ARGV[10])
raise(grant)
store_tokens(grant, '')
return 'first'
