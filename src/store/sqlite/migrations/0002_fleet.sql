ALTER TABLE heartbeats ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE heartbeats ADD COLUMN vault_generation INTEGER;

CREATE TABLE published_vaults (
    vault_id     TEXT    NOT NULL PRIMARY KEY,
    generation   INTEGER NOT NULL,
    recipient    TEXT    NOT NULL,
    sealed       BLOB    NOT NULL,
    fingerprints BLOB    NOT NULL,
    at           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
