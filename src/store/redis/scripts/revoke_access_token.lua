-- Deletes an access token. KEYS: 1 access token, 2 names of tokens that never expire.
redis.call('SREM', KEYS[2], KEYS[1])
redis.call('DEL', KEYS[1])
return 'revoked'
