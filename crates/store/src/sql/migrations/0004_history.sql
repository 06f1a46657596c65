-- How many records a version removed and added, and how many of these are one record before and after: what a page of the
-- history shows, without counting.
ALTER TABLE versions ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE versions ADD COLUMN added INTEGER NOT NULL DEFAULT 0;
ALTER TABLE versions ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
UPDATE versions SET
    removed = (SELECT count(*) FROM records r WHERE r.zone = versions.zone AND r.to_version = versions.version),
    added = (SELECT count(*) FROM records r WHERE r.zone = versions.zone AND r.from_version = versions.version),
    changed = (SELECT count(*) FROM records r WHERE r.zone = versions.zone AND r.from_version = versions.version
                   AND r.record IN (SELECT e.record FROM records e
                                    WHERE e.zone = versions.zone AND e.to_version = versions.version))
    WHERE kind = 1;
