-- A refresh token, in bytes from 1: 1 whether it is retired, 2-10 expiry, 11-18 issue. While it is active, 19-50 is the hash
-- of the token that it replaced, if there is one. Once retired: 19-26 retirement, 27-42 nonce, 43-74 successor, 75-83 expiry
-- of the access token, 84-87 retries, 88- allowance unless it is the grant's. KEYS[5] is the token that is used.

local RETIRED = '\1'

local function find_refresh()
    return checked(redis.call('GET', KEYS[5]), 18, 'a refresh token')
end

local function is_retired(token)
    return token:sub(1, 1) == RETIRED
end

-- The key of another refresh token of the grant. It is in the slot of the keys that were declared.
local function sibling(hash)
    return KEYS[5]:sub(1, -33) .. hash
end
