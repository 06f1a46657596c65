-- Which zones there are, in 256 parts: what secondaries learn from catalog zones (RFC 9432). Each part has versions like a zone,
-- one for every zone that joins or leaves it. catalog_of() is the store's: which part a name (a sort key) is in.
CREATE TABLE catalogs (
    number  INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    serial  INTEGER NOT NULL
) STRICT;
INSERT INTO catalogs
    WITH RECURSIVE numbers (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number < 255)
    SELECT number, 0, 1 FROM numbers;

-- Rows are never deleted. Without a zone: a version that only has another serial.
CREATE TABLE catalog_versions (
    catalog INTEGER NOT NULL REFERENCES catalogs,
    version INTEGER NOT NULL,
    serial  INTEGER NOT NULL,
    zone    INTEGER REFERENCES zones,
    -- 1: it joined, -1: it left.
    change  INTEGER NOT NULL,
    PRIMARY KEY (catalog, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX catalog_versions_by_serial ON catalog_versions (catalog, serial, version);
INSERT INTO catalog_versions SELECT number, version, serial, NULL, 0 FROM catalogs;

ALTER TABLE zones ADD COLUMN catalog INTEGER NOT NULL DEFAULT 0;
UPDATE zones SET catalog = catalog_of(name);
CREATE INDEX zones_by_catalog ON zones (catalog) WHERE deleted IS NULL;
