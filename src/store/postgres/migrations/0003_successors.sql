ALTER TABLE ultra.service_keys ADD COLUMN replaced_by text;

DROP INDEX ultra.service_keys_name;
CREATE UNIQUE INDEX service_keys_name ON ultra.service_keys (name)
    WHERE revoked_at IS NULL AND replaced_by IS NULL;

COMMENT ON COLUMN ultra.service_keys.replaced_by IS 'the id of the key that takes its place until it ends';
