-- Runs at every start, so each statement has to leave an existing table as it is.

-- That there is one already is not worth a line in the log.
SET LOCAL client_min_messages = warning;

CREATE TABLE IF NOT EXISTS users (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username      TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    password_hash TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS workspaces (
    id   TEXT COLLATE "C" PRIMARY KEY,
    name TEXT NOT NULL
);

-- Who may use a workspace, in the order of the position; a role is 'owner' or 'member'.
CREATE TABLE IF NOT EXISTS memberships (
    user_id      BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    role         TEXT NOT NULL,
    position     BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, workspace_id)
);

CREATE TABLE IF NOT EXISTS links (
    slug       TEXT COLLATE "C" PRIMARY KEY,
    user_id    BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    url        TEXT NOT NULL,
    visits     BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL DEFAULT floor(extract(epoch FROM now()))
);

-- Older than workspaces.
ALTER TABLE links ADD COLUMN IF NOT EXISTS workspace_id TEXT COLLATE "C" REFERENCES workspaces (id) ON DELETE CASCADE;

CREATE INDEX IF NOT EXISTS links_by_workspace ON links (workspace_id, created_at DESC);

-- The key is the SHA-256 of the cookie's value: who reads the table cannot become a signed-in user.
CREATE TABLE IF NOT EXISTS sessions (
    key        BYTEA PRIMARY KEY,
    data       TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX IF NOT EXISTS sessions_by_expiry ON sessions (expires_at);
