-- How many rows of records a zone's versions have, live ones and ended ones. Rows that begin with a version that is yet to come
-- do not count.
ALTER TABLE zones ADD COLUMN stored INTEGER NOT NULL DEFAULT 0;
UPDATE zones SET stored =
    (SELECT count(*) FROM records r INDEXED BY records_from WHERE r.zone = zones.id AND r.from_version <= zones.version);
CREATE INDEX zones_deleted_of_account ON zones (account) WHERE deleted IS NOT NULL;

-- How many of them an account may have in all its zones, deleted ones included; NULL: any number.
ALTER TABLE accounts ADD COLUMN max_stored INTEGER;
-- How many it has, where max_stored is set; NULL where it is not, as held_records.
ALTER TABLE accounts ADD COLUMN held_stored INTEGER;

-- Now of both counts; NULL stays NULL.
DROP TRIGGER zone_counted;
CREATE TRIGGER zone_counted AFTER UPDATE OF account, deleted, record_count, stored ON zones
    WHEN old.account <> new.account OR old.deleted IS NOT new.deleted OR old.record_count <> new.record_count
        OR old.stored <> new.stored
    BEGIN
        UPDATE accounts SET held_records = held_records - iif(old.deleted IS NULL, old.record_count, 0),
                            held_stored = held_stored - old.stored
            WHERE id = old.account AND coalesce(held_records, held_stored) IS NOT NULL;
        UPDATE accounts SET held_records = held_records + iif(new.deleted IS NULL, new.record_count, 0),
                            held_stored = held_stored + new.stored
            WHERE id = new.account AND coalesce(held_records, held_stored) IS NOT NULL;
    END;
