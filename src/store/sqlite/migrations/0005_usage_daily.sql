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

CREATE TRIGGER usage_daily_add AFTER INSERT ON usage BEGIN
    INSERT INTO usage_daily VALUES (
        NEW.at / 86400000000, NEW.key_id, NEW.model,
        CASE WHEN NEW.provider IS NULL THEN '' ELSE '=' || NEW.provider END,
        CASE WHEN NEW.user_id IS NULL THEN '' ELSE '=' || NEW.user_id END,
        NEW.attempt = 1,
        TRUE,
        NEW.outcome NOT IN ('ok', 'client_closed'),
        (NEW.outcome NOT IN ('error', 'refused') OR NEW.input_tokens IS NOT NULL OR NEW.output_tokens IS NOT NULL)
        AND (NEW.input_tokens IS NULL OR NEW.output_tokens IS NULL),
        (NEW.outcome NOT IN ('error', 'refused') OR NEW.input_tokens IS NOT NULL OR NEW.output_tokens IS NOT NULL)
        AND NEW.cost_nano_usd IS NULL,
        NEW.input_tokens >> 32, NEW.input_tokens & 4294967295,
        NEW.cached_tokens >> 32, NEW.cached_tokens & 4294967295,
        NEW.cache_write_5m_tokens >> 32, NEW.cache_write_5m_tokens & 4294967295,
        NEW.cache_write_1h_tokens >> 32, NEW.cache_write_1h_tokens & 4294967295,
        NEW.output_tokens >> 32, NEW.output_tokens & 4294967295,
        NEW.reasoning_tokens >> 32, NEW.reasoning_tokens & 4294967295,
        NEW.cost_nano_usd >> 32, NEW.cost_nano_usd & 4294967295
    ) ON CONFLICT DO UPDATE SET
        requests = requests + excluded.requests,
        attempts = attempts + excluded.attempts,
        failed = failed + excluded.failed,
        uncounted = uncounted + excluded.uncounted,
        unpriced = unpriced + excluded.unpriced,
        input_tokens_h = coalesce(input_tokens_h + excluded.input_tokens_h, input_tokens_h, excluded.input_tokens_h),
        input_tokens_l = coalesce(input_tokens_l + excluded.input_tokens_l, input_tokens_l, excluded.input_tokens_l),
        cached_tokens_h = coalesce(cached_tokens_h + excluded.cached_tokens_h, cached_tokens_h, excluded.cached_tokens_h),
        cached_tokens_l = coalesce(cached_tokens_l + excluded.cached_tokens_l, cached_tokens_l, excluded.cached_tokens_l),
        cache_write_5m_tokens_h = coalesce(cache_write_5m_tokens_h + excluded.cache_write_5m_tokens_h, cache_write_5m_tokens_h, excluded.cache_write_5m_tokens_h),
        cache_write_5m_tokens_l = coalesce(cache_write_5m_tokens_l + excluded.cache_write_5m_tokens_l, cache_write_5m_tokens_l, excluded.cache_write_5m_tokens_l),
        cache_write_1h_tokens_h = coalesce(cache_write_1h_tokens_h + excluded.cache_write_1h_tokens_h, cache_write_1h_tokens_h, excluded.cache_write_1h_tokens_h),
        cache_write_1h_tokens_l = coalesce(cache_write_1h_tokens_l + excluded.cache_write_1h_tokens_l, cache_write_1h_tokens_l, excluded.cache_write_1h_tokens_l),
        output_tokens_h = coalesce(output_tokens_h + excluded.output_tokens_h, output_tokens_h, excluded.output_tokens_h),
        output_tokens_l = coalesce(output_tokens_l + excluded.output_tokens_l, output_tokens_l, excluded.output_tokens_l),
        reasoning_tokens_h = coalesce(reasoning_tokens_h + excluded.reasoning_tokens_h, reasoning_tokens_h, excluded.reasoning_tokens_h),
        reasoning_tokens_l = coalesce(reasoning_tokens_l + excluded.reasoning_tokens_l, reasoning_tokens_l, excluded.reasoning_tokens_l),
        cost_nano_usd_h = coalesce(cost_nano_usd_h + excluded.cost_nano_usd_h, cost_nano_usd_h, excluded.cost_nano_usd_h),
        cost_nano_usd_l = coalesce(cost_nano_usd_l + excluded.cost_nano_usd_l, cost_nano_usd_l, excluded.cost_nano_usd_l);
END;
