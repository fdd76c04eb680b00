-- Names of grants, and revoking what is confined to a tenant.

-- What the user called the grant; NULL if it has no name.
ALTER TABLE grantor_grants ADD COLUMN name TEXT;

-- Revoking what is confined to a tenant.
CREATE INDEX grantor_grants_tenant ON grantor_grants (tenant, id) WHERE tenant IS NOT NULL;

INSERT INTO grantor_migrations (version) VALUES (2);
