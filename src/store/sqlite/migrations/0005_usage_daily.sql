CREATE TABLE usage_daily (
    day                      INTEGER NOT NULL,
    key_id                   TEXT    NOT NULL,
    model                    TEXT    NOT NULL,
    provider                 TEXT    NOT NULL,
    user_id                  TEXT    NOT NULL,
    requests                 INTEGER NOT NULL,
    attempts                 INTEGER NOT NULL,
    failed                   INTEGER NOT NULL,
    uncounted                INTEGER NOT NULL,
    unpriced                 INTEGER NOT NULL,
    input_tokens_h           INTEGER,
    input_tokens_l           INTEGER,
    cached_tokens_h          INTEGER,
    cached_tokens_l          INTEGER,
    cache_write_5m_tokens_h  INTEGER,
    cache_write_5m_tokens_l  INTEGER,
    cache_write_1h_tokens_h  INTEGER,
    cache_write_1h_tokens_l  INTEGER,
    output_tokens_h          INTEGER,
    output_tokens_l          INTEGER,
    reasoning_tokens_h       INTEGER,
    reasoning_tokens_l       INTEGER,
    cost_nano_usd_h          INTEGER,
    cost_nano_usd_l          INTEGER,
    PRIMARY KEY (day, key_id, model, provider, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_daily_key ON usage_daily (key_id, day);

INSERT INTO usage_daily
SELECT at / 86400000000 AS day, key_id, model,
    CASE WHEN provider IS NULL THEN '' ELSE '=' || provider END AS of_provider,
    CASE WHEN user_id IS NULL THEN '' ELSE '=' || user_id END AS of_user,
    sum(attempt = 1),
    sum(TRUE),
    sum(outcome NOT IN ('ok', 'client_closed')),
    sum((outcome NOT IN ('error', 'refused') OR input_tokens IS NOT NULL OR output_tokens IS NOT NULL)
        AND (input_tokens IS NULL OR output_tokens IS NULL)),
    sum((outcome NOT IN ('error', 'refused') OR input_tokens IS NOT NULL OR output_tokens IS NOT NULL)
        AND cost_nano_usd IS NULL),
    sum(input_tokens >> 32), sum(input_tokens & 4294967295),
    sum(cached_tokens >> 32), sum(cached_tokens & 4294967295),
    sum(cache_write_5m_tokens >> 32), sum(cache_write_5m_tokens & 4294967295),
    sum(cache_write_1h_tokens >> 32), sum(cache_write_1h_tokens & 4294967295),
    sum(output_tokens >> 32), sum(output_tokens & 4294967295),
    sum(reasoning_tokens >> 32), sum(reasoning_tokens & 4294967295),
    sum(cost_nano_usd >> 32), sum(cost_nano_usd & 4294967295)
FROM usage GROUP BY day, key_id, model, of_provider, of_user;

-- A server of an older version that is still up does not know the table by day: its rows get the
-- value that is there by default, and whoever asks for sums adds them first. The index has no other
-- rows, so as a rule it is empty.
ALTER TABLE usage ADD COLUMN summed INTEGER NOT NULL DEFAULT 0;
UPDATE usage SET summed = 1;
CREATE INDEX usage_unsummed ON usage (at) WHERE summed = 0;
