-- The last version that nameservers are to take whole, not as a step from an earlier one; 0: none.
ALTER TABLE zones ADD COLUMN rebuilt INTEGER NOT NULL DEFAULT 0;
