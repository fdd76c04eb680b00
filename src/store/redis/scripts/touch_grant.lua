-- Remembers a use. KEYS: 1 grant. ARGV: 1 the instant.
local grant = find_grant()
if not grant then
    return 'unknown'
end
if grant:sub(11, 11) ~= SET or later(ARGV[1], grant:sub(12, 19)) then
    redis.call('SETRANGE', KEYS[1], 10, SET .. ARGV[1])
end
return 'touched'
