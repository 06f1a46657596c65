-- NULL: no limit of its own.
ALTER TABLE accounts ADD COLUMN max_changes INTEGER;
CREATE TRIGGER account_limited AFTER UPDATE OF max_changes ON accounts
    BEGIN UPDATE identities SET revision = revision + 1; END;

-- How many records an account's zones have, where max_records is set; NULL where it is not, so that accounts without a limit
-- cost no write.
ALTER TABLE accounts ADD COLUMN held_records INTEGER;
UPDATE accounts SET held_records =
    (SELECT coalesce(sum(z.record_count), 0) FROM zones z WHERE z.account = accounts.id AND z.deleted IS NULL)
    WHERE max_records IS NOT NULL;
CREATE TRIGGER zone_counted AFTER UPDATE OF account, deleted, record_count ON zones
    WHEN old.account <> new.account OR old.deleted IS NOT new.deleted OR old.record_count <> new.record_count
    BEGIN
        UPDATE accounts SET held_records = held_records - old.record_count
            WHERE id = old.account AND old.deleted IS NULL AND held_records IS NOT NULL;
        UPDATE accounts SET held_records = held_records + new.record_count
            WHERE id = new.account AND new.deleted IS NULL AND held_records IS NOT NULL;
    END;

-- How many changes an account made on a day (UTC), counted in days since 1970: its last such day.
CREATE TABLE changes_made (
    account INTEGER PRIMARY KEY REFERENCES accounts,
    day     INTEGER NOT NULL,
    made    INTEGER NOT NULL
) STRICT;

-- Names of deleted zones that only their last owner may take until then.
CREATE TABLE holds (
    name    BLOB PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES accounts,
    until   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX holds_by_end ON holds (until);
