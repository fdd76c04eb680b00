-- What the steps on a grant share. KEYS[1] is always the grant.
--
-- A grant, in bytes from 1: 1 layout (1, or 2 if it has a name), 2 whether something never expires, 3-10 the last expiry of what does, 11-19 the last
-- use, 20-28 the revocation, 29-36 until when the lists are sure to name it, 37- what was granted, allowance first.
-- Instants are eight bytes that sort like the instants. They are compared as bytes: a number of Lua could not hold them.

local NEVER = '\1'
local SET = '\1'

local function later(one, other)
    for i = 1, 8 do
        local a, b = one:byte(i), other:byte(i)
        if a ~= b then
            return a > b
        end
    end
    return false
end

local function checked(value, length, what)
    if value and #value < length then
        error('grantor: this is not ' .. what)
    end
    return value
end

local function find_grant()
    local grant = checked(redis.call('GET', KEYS[1]), 36, 'a grant')
    if grant and grant:byte(1) ~= 1 and grant:byte(1) ~= 2 then
        error('grantor: the grant was written by a newer release')
    end
    return grant
end

local function is_revoked(grant)
    return grant:sub(20, 20) == SET
end
