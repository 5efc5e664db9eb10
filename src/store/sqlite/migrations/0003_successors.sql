ALTER TABLE service_keys ADD COLUMN replaced_by TEXT;

DROP INDEX service_keys_name;
CREATE UNIQUE INDEX service_keys_name ON service_keys (name)
    WHERE revoked_at IS NULL AND replaced_by IS NULL;
