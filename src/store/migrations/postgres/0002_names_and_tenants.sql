-- Names of grants, and revoking what is confined to a tenant.
--
-- To be run once, in one transaction. Reads go on meanwhile, and writes to grantor_grants wait until the index is built. Where that
-- takes long, so with millions of grants, make the index beforehand, by the same statement with CONCURRENTLY behind INDEX and in
-- no transaction: an index of that name is taken as it is. PostgresStore::migrate does so by itself.

INSERT INTO grantor_migrations (version) VALUES (2);

-- What the user called the grant; NULL if it has no name.
ALTER TABLE grantor_grants ADD COLUMN name TEXT;

-- Revoking what is confined to a tenant.
CREATE INDEX IF NOT EXISTS grantor_grants_tenant ON grantor_grants (tenant, id) WHERE tenant IS NOT NULL;
