ALTER TABLE ultra.heartbeats ADD COLUMN seen bigint NOT NULL DEFAULT 0;
ALTER TABLE ultra.heartbeats ADD COLUMN vault_generation bigint;

COMMENT ON COLUMN ultra.heartbeats.seen IS 'microseconds since 1970-01-01 UTC by the clock of this database';

CREATE TABLE ultra.published_vaults (
    vault_id     text   NOT NULL PRIMARY KEY,
    generation   bigint NOT NULL,
    recipient    text   NOT NULL,
    sealed       bytea  NOT NULL,
    fingerprints bytea  NOT NULL,
    at           bigint NOT NULL
);
