-- A code, in bytes from 1: 1-32 hash, 33-41 redemption, 42-45 failures, 46- the rest. KEYS[2] is the code.

local function find_code(hash)
    local code = checked(redis.call('GET', KEYS[2]), 45, 'a code')
    if code and code:sub(1, 32) == hash then
        return code
    end
end

local function is_redeemed(code)
    return code:sub(33, 33) == SET
end

local function redeem(at)
    redis.call('SETRANGE', KEYS[2], 32, SET .. at)
end
