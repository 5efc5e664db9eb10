CREATE TABLE ultra.service_keys (
    id         text     NOT NULL PRIMARY KEY,
    hash       bytea    NOT NULL CHECK (octet_length(hash) = 32),
    name       text     NOT NULL,
    scopes     text     NOT NULL,
    created_at bigint   NOT NULL,
    expires_at bigint,
    rate       bigint   CHECK (rate > 0),
    revoked_at bigint
);

CREATE UNIQUE INDEX service_keys_name ON ultra.service_keys (name) WHERE revoked_at IS NULL;

CREATE TABLE ultra.usage (
    id               uuid     NOT NULL PRIMARY KEY,
    at               bigint   NOT NULL,
    request_id       text     NOT NULL,
    key_id           text     NOT NULL,
    api              text     NOT NULL,
    model            text     NOT NULL,
    provider         text,
    upstream_model   text,
    mode             text     NOT NULL,
    outcome          text     NOT NULL,
    status           bigint   NOT NULL,
    attempt          bigint   NOT NULL,
    streamed         boolean  NOT NULL,
    input_tokens     bigint,
    cached_tokens    bigint,
    output_tokens    bigint,
    reasoning_tokens bigint,
    latency_ms       bigint   NOT NULL,
    cost_nano_usd    bigint,
    price_version    text
);

CREATE INDEX usage_key_at ON ultra.usage (key_id, at);
CREATE INDEX usage_at ON ultra.usage (at);

CREATE TABLE ultra.heartbeats (
    instance    text   NOT NULL PRIMARY KEY,
    at          bigint NOT NULL,
    version     text   NOT NULL,
    profile     text   NOT NULL,
    config_hash text   NOT NULL,
    slots       text   NOT NULL
);

COMMENT ON COLUMN ultra.usage.at IS 'microseconds since 1970-01-01 UTC';
