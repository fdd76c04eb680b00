-- Counts a failed verifier. KEYS: 1 grant, 2 code. ARGV: 1 hash of the code.
local code = find_code(ARGV[1])
if not code then
    return 'unknown'
end
local a, b, c, d = code:byte(42, 45)
local failures = math.min(((a * 256 + b) * 256 + c) * 256 + d + 1, 4294967295)
local counted = ''
for _ = 1, 4 do
    counted = string.char(failures % 256) .. counted
    failures = math.floor(failures / 256)
end
redis.call('SETRANGE', KEYS[2], 41, counted)
return 'counted'
