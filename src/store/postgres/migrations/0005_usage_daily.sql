-- Rows that another replica inserts while this runs would be in no sum: it does not see them, and
-- there is no trigger for them yet. So they wait until it is done; readers do not.
LOCK TABLE ultra.usage IN SHARE ROW EXCLUSIVE MODE;

CREATE TABLE ultra.usage_daily (
    day                   bigint  NOT NULL,
    -- Names are as long as clients like, which an index does not take.
    names                 bytea   NOT NULL,
    key_id                text    NOT NULL,
    model                 text    NOT NULL,
    provider              text,
    user_id               text,
    requests              bigint  NOT NULL,
    attempts              bigint  NOT NULL,
    failed                bigint  NOT NULL,
    uncounted             bigint  NOT NULL,
    unpriced              bigint  NOT NULL,
    input_tokens          numeric,
    cached_tokens         numeric,
    cache_write_5m_tokens numeric,
    cache_write_1h_tokens numeric,
    output_tokens         numeric,
    reasoning_tokens      numeric,
    cost_nano_usd         numeric,
    PRIMARY KEY (day, names)
);

CREATE INDEX usage_daily_key ON ultra.usage_daily (key_id, day);

INSERT INTO ultra.usage_daily
    SELECT at / 86400000000, sha256(convert_to(ROW(key_id, model, provider, user_id)::text, 'UTF8')),
        key_id, model, provider, user_id,
        count(*) FILTER (WHERE attempt = 1),
        count(*) FILTER (WHERE TRUE),
        count(*) FILTER (WHERE outcome NOT IN ('ok', 'client_closed')),
        count(*) FILTER (WHERE (outcome NOT IN ('error', 'refused') OR input_tokens IS NOT NULL OR output_tokens IS NOT NULL)
            AND (input_tokens IS NULL OR output_tokens IS NULL)),
        count(*) FILTER (WHERE (outcome NOT IN ('error', 'refused') OR input_tokens IS NOT NULL OR output_tokens IS NOT NULL)
            AND cost_nano_usd IS NULL),
        sum(input_tokens),
        sum(cached_tokens),
        sum(cache_write_5m_tokens),
        sum(cache_write_1h_tokens),
        sum(output_tokens),
        sum(reasoning_tokens),
        sum(cost_nano_usd)
    FROM ultra.usage GROUP BY 1, 2, key_id, model, provider, user_id;

CREATE FUNCTION ultra.usage_daily_add() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- In one order, so that replicas which insert at the same time wait for each other in turn.
    INSERT INTO ultra.usage_daily AS kept
    SELECT at / 86400000000, sha256(convert_to(ROW(key_id, model, provider, user_id)::text, 'UTF8')),
        key_id, model, provider, user_id,
        count(*) FILTER (WHERE attempt = 1),
        count(*) FILTER (WHERE TRUE),
        count(*) FILTER (WHERE outcome NOT IN ('ok', 'client_closed')),
        count(*) FILTER (WHERE (outcome NOT IN ('error', 'refused') OR input_tokens IS NOT NULL OR output_tokens IS NOT NULL)
            AND (input_tokens IS NULL OR output_tokens IS NULL)),
        count(*) FILTER (WHERE (outcome NOT IN ('error', 'refused') OR input_tokens IS NOT NULL OR output_tokens IS NOT NULL)
            AND cost_nano_usd IS NULL),
        sum(input_tokens),
        sum(cached_tokens),
        sum(cache_write_5m_tokens),
        sum(cache_write_1h_tokens),
        sum(output_tokens),
        sum(reasoning_tokens),
        sum(cost_nano_usd)
    FROM fresh GROUP BY 1, 2, key_id, model, provider, user_id
    ORDER BY 1, 2
    ON CONFLICT (day, names) DO UPDATE SET
        requests = kept.requests + excluded.requests,
        attempts = kept.attempts + excluded.attempts,
        failed = kept.failed + excluded.failed,
        uncounted = kept.uncounted + excluded.uncounted,
        unpriced = kept.unpriced + excluded.unpriced,
        input_tokens = coalesce(kept.input_tokens + excluded.input_tokens, kept.input_tokens, excluded.input_tokens),
        cached_tokens = coalesce(kept.cached_tokens + excluded.cached_tokens, kept.cached_tokens, excluded.cached_tokens),
        cache_write_5m_tokens = coalesce(kept.cache_write_5m_tokens + excluded.cache_write_5m_tokens, kept.cache_write_5m_tokens, excluded.cache_write_5m_tokens),
        cache_write_1h_tokens = coalesce(kept.cache_write_1h_tokens + excluded.cache_write_1h_tokens, kept.cache_write_1h_tokens, excluded.cache_write_1h_tokens),
        output_tokens = coalesce(kept.output_tokens + excluded.output_tokens, kept.output_tokens, excluded.output_tokens),
        reasoning_tokens = coalesce(kept.reasoning_tokens + excluded.reasoning_tokens, kept.reasoning_tokens, excluded.reasoning_tokens),
        cost_nano_usd = coalesce(kept.cost_nano_usd + excluded.cost_nano_usd, kept.cost_nano_usd, excluded.cost_nano_usd);
    RETURN NULL;
END
$$;

CREATE TRIGGER usage_daily_add AFTER INSERT ON ultra.usage
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ultra.usage_daily_add();
