-- 1: the operator decided that this account gets the name, which accounts cannot take themselves.
ALTER TABLE zones ADD COLUMN decided INTEGER NOT NULL DEFAULT 0;
