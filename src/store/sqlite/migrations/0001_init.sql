CREATE TABLE service_keys (
    id         TEXT    NOT NULL PRIMARY KEY,
    hash       BLOB    NOT NULL CHECK (length(hash) = 32),
    name       TEXT    NOT NULL,
    scopes     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    rate       INTEGER CHECK (rate > 0),
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX service_keys_name ON service_keys (name) WHERE revoked_at IS NULL;

CREATE TABLE usage (
    id               BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    at               INTEGER NOT NULL,
    request_id       TEXT    NOT NULL,
    key_id           TEXT    NOT NULL,
    api              TEXT    NOT NULL,
    model            TEXT    NOT NULL,
    provider         TEXT,
    upstream_model   TEXT,
    mode             TEXT    NOT NULL,
    outcome          TEXT    NOT NULL,
    status           INTEGER NOT NULL,
    attempt          INTEGER NOT NULL,
    streamed         INTEGER NOT NULL,
    input_tokens     INTEGER,
    cached_tokens    INTEGER,
    output_tokens    INTEGER,
    reasoning_tokens INTEGER,
    latency_ms       INTEGER NOT NULL,
    cost_nano_usd    INTEGER,
    price_version    TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_key_at ON usage (key_id, at);
CREATE INDEX usage_at ON usage (at);

CREATE TABLE heartbeats (
    instance    TEXT    NOT NULL PRIMARY KEY,
    at          INTEGER NOT NULL,
    version     TEXT    NOT NULL,
    profile     TEXT    NOT NULL,
    config_hash TEXT    NOT NULL,
    slots       TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
