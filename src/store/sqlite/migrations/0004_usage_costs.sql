ALTER TABLE usage ADD COLUMN user_id TEXT;
ALTER TABLE usage ADD COLUMN cache_write_5m_tokens INTEGER;
ALTER TABLE usage ADD COLUMN cache_write_1h_tokens INTEGER;
