-- When to look whether a client is still used.
--
-- To be run once, in one transaction. Reads go on meanwhile, and writes to grantor_clients wait until the index is built. There is
-- nothing in it yet, since no client has the new column, so that takes as long as reading the clients once.

INSERT INTO grantor_migrations (version) VALUES (3);

-- When a purge looks whether the client is still used; NULL if it is kept until somebody deletes it.
ALTER TABLE grantor_clients ADD COLUMN review_at BIGINT;

-- Finding the clients that are due.
CREATE INDEX grantor_clients_review_at ON grantor_clients (review_at) WHERE review_at IS NOT NULL;
