-- Large changes are written in steps, before the version that they make is there (sqlite/staging.rs).

-- The version that ends a record whose to_version is yet to be written; 0: none. Rows that begin with a version that is yet to
-- come have it as their from_version.
ALTER TABLE records ADD COLUMN ends INTEGER NOT NULL DEFAULT 0;
CREATE INDEX records_ending ON records (zone, ends) WHERE to_version IS NULL AND ends > 0;
-- A record that ends with a version and begins again with it, changed, stands there twice until the version is whole.
DROP INDEX records_by_data;
CREATE UNIQUE INDEX records_by_data ON records (zone, owner, type, data, ends) WHERE to_version IS NULL;
DROP INDEX records_of_account;
CREATE UNIQUE INDEX records_of_account ON records (account, record, ends) WHERE to_version IS NULL;

-- The zones of which a version is being written.
CREATE TABLE stages (
    zone    INTEGER PRIMARY KEY REFERENCES zones,
    -- The version that is being written, or the newest that was.
    version INTEGER NOT NULL,
    -- Who writes it; NULL: the version is there, and some of the records that it ended are yet to get their to_version.
    token   BLOB,
    -- When the writer last gave a sign of life.
    renewed INTEGER NOT NULL
) STRICT;
-- A zone that is being made is deleted and forgotten, with swept 4, until its first version is there.
