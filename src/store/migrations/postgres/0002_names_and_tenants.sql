-- Names of grants, and revoking what is confined to a tenant.
--
-- To be run once, in one transaction. Reads go on meanwhile, and writes to grantor_grants wait until the index is built.

INSERT INTO grantor_migrations (version) VALUES (2);

-- What the user called the grant; NULL if it has no name.
ALTER TABLE grantor_grants ADD COLUMN name TEXT;

-- Revoking what is confined to a tenant.
CREATE INDEX grantor_grants_tenant ON grantor_grants (tenant, id) WHERE tenant IS NOT NULL;
