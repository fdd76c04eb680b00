-- When to look whether a client is still used.

-- When a purge looks whether the client is still used; NULL if it is kept until somebody deletes it.
ALTER TABLE grantor_clients ADD COLUMN review_at INTEGER;

-- Finding the clients that are due.
CREATE INDEX grantor_clients_review_at ON grantor_clients (review_at) WHERE review_at IS NOT NULL;

INSERT INTO grantor_migrations (version) VALUES (3);
