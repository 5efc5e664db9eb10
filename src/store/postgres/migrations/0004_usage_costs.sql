ALTER TABLE ultra.usage ADD COLUMN user_id text;
ALTER TABLE ultra.usage ADD COLUMN cache_write_5m_tokens bigint;
ALTER TABLE ultra.usage ADD COLUMN cache_write_1h_tokens bigint;
