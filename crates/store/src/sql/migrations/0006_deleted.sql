-- From here on, rows of versions and catalog_versions are deleted after all: those of forgotten zones, and versions that are too old.
-- Never the one with the highest seq, so that positions only grow; never a zone's or a catalog's newest.

-- swept is what has become of a deleted zone: 0: its records live on, 1: they have their to_version, 2: they are getting it taken
-- away again, because the operator brings the zone back, 3: there is nothing left of it but the row and its last version.

-- Since when a deleted zone is being forgotten; NULL: it is not, and can be brought back.
ALTER TABLE zones ADD COLUMN forgotten INTEGER;
CREATE INDEX zones_deleted ON zones (deleted, uuid) WHERE deleted IS NOT NULL AND forgotten IS NULL;
CREATE INDEX zones_forgotten ON zones (swept, forgotten) WHERE forgotten IS NOT NULL;

-- The serial that a zone had when it joined: what has an older one under its name is an earlier zone, or this one before it was
-- deleted and brought back.
ALTER TABLE catalog_versions ADD COLUMN first INTEGER;
UPDATE catalog_versions
    SET first = (SELECT v.serial FROM versions v WHERE v.zone = catalog_versions.zone AND v.version = 1) WHERE change = 1;
CREATE INDEX catalog_versions_of_zone ON catalog_versions (zone, version) WHERE zone IS NOT NULL;

-- What the server in charge puts into every zone: the zones that are brought back get it too.
CREATE TABLE present_apex (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    apex INTEGER NOT NULL REFERENCES apexes
) STRICT;
