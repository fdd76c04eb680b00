-- How long a grant is kept. KEYS: 1 grant, 2 code. ARGV: 1 whether what is issued never expires, and its last expiry; 2 when
-- the grant may be evicted for that, empty for never; 3 until when the lists name the grant by now, empty if as before.

local function lists_reach(grant)
    local needed = ARGV[1]:sub(2, 9)
    if ARGV[1]:sub(1, 1) == NEVER then
        needed = ('\255'):rep(8)
    end
    local listed = grant:sub(29, 36)
    if #ARGV[3] == 8 and later(ARGV[3], listed) then
        listed = ARGV[3]
    end
    return not later(needed, listed)
end

-- The expiry only ever rises, and the code goes with its grant.
local function raise(grant)
    local never, last = grant:sub(2, 2), grant:sub(3, 10)
    local risen = later(ARGV[1]:sub(2, 9), last)
    if risen then
        last = ARGV[1]:sub(2, 9)
    end
    if never ~= NEVER and ARGV[1]:sub(1, 1) == NEVER then
        never = NEVER
        redis.call('PERSIST', KEYS[1])
        redis.call('PERSIST', KEYS[2])
    elseif never ~= NEVER and risen then
        redis.call('PEXPIREAT', KEYS[1], ARGV[2])
        redis.call('PEXPIREAT', KEYS[2], ARGV[2])
    end
    redis.call('SETRANGE', KEYS[1], 1, never .. last)
    if #ARGV[3] == 8 then
        redis.call('SETRANGE', KEYS[1], 28, ARGV[3])
    end
end
