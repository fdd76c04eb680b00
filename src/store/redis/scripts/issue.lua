-- How tokens are stored. KEYS: 1 grant, 2 code, 3 names of tokens that never expire, 4 access token, and the last one the
-- refresh token, if there is one. ARGV: 1 to 3 as above; 4 access token, 5 its allowance, 6 when it may be evicted, empty for
-- never; 7 refresh token, empty for none, 8 when it may be evicted.
--
-- Everything that can fail comes first. Naming the tokens that never expire is the first write, because it is the only one
-- that can still fail, on a key of another type.

local HAS_REFRESH = ARGV[7] ~= ''

local function is_taken()
    if HAS_REFRESH and redis.call('EXISTS', KEYS[#KEYS]) == 1 then
        return true
    end
    return redis.call('EXISTS', KEYS[4]) == 1
end

-- Most tokens allow what their grant does, and need not repeat it.
local function own(grant, allowance)
    if grant:sub(37, 36 + #allowance) == allowance then
        return ''
    end
    return allowance
end

local function name_permanent()
    if ARGV[6] == '' then
        redis.call('SADD', KEYS[3], KEYS[4])
    end
    if HAS_REFRESH and ARGV[8] == '' then
        redis.call('SADD', KEYS[3], KEYS[#KEYS])
    end
end

local function put(key, value, evict_at)
    if evict_at == '' then
        redis.call('SET', key, value)
    else
        redis.call('SET', key, value, 'PXAT', evict_at)
    end
end

local function store_tokens(grant, replaced)
    put(KEYS[4], ARGV[4] .. own(grant, ARGV[5]), ARGV[6])
    if HAS_REFRESH then
        put(KEYS[#KEYS], ARGV[7] .. replaced, ARGV[8])
    end
end
