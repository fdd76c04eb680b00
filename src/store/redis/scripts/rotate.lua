-- Retires a refresh token and stores its successors. ARGV: 9 the retirement without its allowance, 10 that allowance.
local grant = find_grant()
if not grant or is_revoked(grant) then
    return 'unknown'
end
local token = find_refresh()
if not token then
    return 'unknown'
end
if is_retired(token) then
    checked(token, 87, 'a retired refresh token')
    local a, b, c, d = token:byte(84, 87)
    local retries = math.min(((a * 256 + b) * 256 + c) * 256 + d + 1, 4294967295)
    local counted = ''
    for _ = 1, 4 do
        counted = string.char(retries % 256) .. counted
        retries = math.floor(retries / 256)
    end
    redis.call('SETRANGE', KEYS[5], 83, counted)
    return { 'retired', token:sub(1, 83) .. counted .. token:sub(88), grant }
end
if is_taken() then
    return 'taken'
end
if not lists_reach(grant) then
    return { 'lists', grant }
end
local hash = KEYS[5]:sub(-32)
local replaced = #token >= 50 and sibling(token:sub(19, 50))
local forgets = false
if replaced then
    local value = redis.call('GET', replaced)
    forgets = value and is_retired(value) and value:sub(43, 74) == hash
end
name_permanent()
if forgets then
    redis.call('SETRANGE', replaced, 26, ('\0'):rep(16))
end
redis.call('SET', KEYS[5], RETIRED .. token:sub(2, 18) .. ARGV[9] .. own(grant, ARGV[10]), 'KEEPTTL')
raise(grant)
store_tokens(grant, HAS_REFRESH and ARGV[7]:sub(1, 1) ~= RETIRED and hash or '')
return 'rotated'
