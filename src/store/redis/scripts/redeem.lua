-- Redeems a code. ARGV: 4 hash of the code, 5 the instant.
local grant = find_grant()
if not grant or is_revoked(grant) then
    return 'unknown'
end
local code = find_code(ARGV[4])
if not code then
    return 'unknown'
end
if is_redeemed(code) then
    return 'replayed'
end
if not lists_reach(grant) then
    return { 'lists', grant }
end
redeem(ARGV[5])
raise(grant)
return 'first'
