-- Clients, grants, codes and tokens.
--
-- To be run once, in one transaction: PostgresStore::migrate does so, or whatever runs your migrations.
-- Each file begins by noting its own number in grantor_migrations. So either way finds what the other has done, and of several
-- that run at once all but one wait there, and fail, with nothing done.
--
-- Instants are whole milliseconds since the Unix epoch. A hash is the SHA-256 of a code or token: no secret is stored.
-- An expires_at of NULL means never. COLLATE "C" compares text byte by byte, whatever the database's locale.
--
-- Keys begin with the grant, so that everything about one grant lies together, in one shard where there are shards. For the same
-- reason there are no sequences and no foreign keys: whatever writes under a grant locks the grant's row first, and whatever
-- deletes a grant deletes the rest in the same statement.

CREATE TABLE grantor_migrations (
    version BIGINT NOT NULL PRIMARY KEY
);

INSERT INTO grantor_migrations (version) VALUES (1);

CREATE TABLE grantor_clients (
    id         TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    -- The user who manages the client; NULL if the operator does.
    owner      TEXT   COLLATE "C",
    -- One higher after each change. The 64 bits of an unsigned number, so it may look negative.
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    -- The whole client as JSON; it repeats the columns above, which are there for the indexes and for people.
    record     TEXT   NOT NULL
);

-- Listing the clients of an owner, in the order of their identifiers.
CREATE INDEX grantor_clients_owner ON grantor_clients (owner, id) WHERE owner IS NOT NULL;

-- What somebody allowed a client to do. Codes and tokens belong to one grant each, and go with it.
CREATE TABLE grantor_grants (
    id           BYTEA  NOT NULL PRIMARY KEY,
    -- NULL for a personal access token.
    client       TEXT   COLLATE "C",
    -- NULL if the client acts for itself.
    subject      TEXT   COLLATE "C",
    -- Space-separated.
    scope        TEXT   NOT NULL,
    -- A JSON array of URIs; NULL if there are none.
    resource     TEXT,
    tenant       TEXT,
    -- A JSON object of the host's; NULL if it is empty. Not JSONB, which refuses \u0000 and rounds numbers.
    extra        TEXT,
    created_at   BIGINT NOT NULL,
    -- When the last code or token under the grant expires. It only ever rises, and NULL is above all.
    expires_at   BIGINT,
    last_used_at BIGINT,
    -- Nothing under a grant is found once this is set, and it is never unset.
    revoked_at   BIGINT
);

-- Listing and revoking what a user granted, in the order of the identifiers.
CREATE INDEX grantor_grants_subject ON grantor_grants (subject, id) WHERE subject IS NOT NULL;
-- Revoking what a client was granted.
CREATE INDEX grantor_grants_client ON grantor_grants (client, id) WHERE client IS NOT NULL;
-- Purging. A grant that never expires can be purged only once it is revoked.
CREATE INDEX grantor_grants_expires_at ON grantor_grants (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX grantor_grants_revoked_at ON grantor_grants (revoked_at) WHERE expires_at IS NULL AND revoked_at IS NOT NULL;

-- A grant has one code in its life, hence the key.
CREATE TABLE grantor_codes (
    grant_id               BYTEA   NOT NULL PRIMARY KEY,
    hash                   BYTEA   NOT NULL,
    -- The 32 bytes of the code challenge; NULL if the client is exempt from PKCE.
    challenge              BYTEA,
    redirect_uri           TEXT    NOT NULL,
    -- Whether the authorization request named the redirect URI, or left it out.
    redirect_uri_requested BOOLEAN NOT NULL,
    expires_at             BIGINT  NOT NULL,
    -- How many requests failed on the code verifier.
    failures               BIGINT  NOT NULL,
    -- NULL until the code is exchanged; then it stays, so that a replay is recognised.
    redeemed_at            BIGINT
);

CREATE TABLE grantor_access_tokens (
    grant_id   BYTEA  NOT NULL,
    hash       BYTEA  NOT NULL,
    scope      TEXT   NOT NULL,
    resource   TEXT,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (grant_id, hash)
);

-- Purging.
CREATE INDEX grantor_access_tokens_expires_at ON grantor_access_tokens (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE grantor_refresh_tokens (
    grant_id          BYTEA  NOT NULL,
    hash              BYTEA  NOT NULL,
    issued_at         BIGINT NOT NULL,
    expires_at        BIGINT,
    -- When the token was used and replaced. While this is NULL the token is active, and so is all that follows.
    retired_at        BIGINT,
    -- What the successors were derived with: 16 bytes. Zeros once the successor was used.
    nonce             BYTEA,
    -- The hash of the refresh token that took over, under the same grant.
    successor         BYTEA,
    -- What the access token of the same answer allowed, and until when.
    access_scope      TEXT,
    access_resource   TEXT,
    access_expires_at BIGINT,
    -- How often the token was sent again after it was retired.
    retries           BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (grant_id, hash)
);

-- Purging.
CREATE INDEX grantor_refresh_tokens_expires_at ON grantor_refresh_tokens (expires_at) WHERE expires_at IS NOT NULL;
-- Forgetting the nonce of the token before the one that is used. A chain of tokens has two entries at most.
CREATE INDEX grantor_refresh_tokens_nonce ON grantor_refresh_tokens (grant_id, successor)
    WHERE nonce <> '\x00000000000000000000000000000000';
