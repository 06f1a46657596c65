-- What is set for a zone as a whole; NULL: the server's. A row never changes: versions point at it.
CREATE TABLE zone_settings (
    id          INTEGER PRIMARY KEY,
    default_ttl INTEGER,
    refresh     INTEGER,
    retry       INTEGER,
    expire      INTEGER,
    minimum     INTEGER,
    comment     TEXT
) STRICT;
-- NULL: nothing was ever set.
ALTER TABLE zones ADD COLUMN settings INTEGER REFERENCES zone_settings;
ALTER TABLE versions ADD COLUMN settings INTEGER REFERENCES zone_settings;
