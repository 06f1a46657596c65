-- Of long answers only what the zone's history does not have is kept.

-- NULL: the body is whole. Otherwise the body is empty, and is made again of this and of the records that the version changed.
ALTER TABLE answers ADD COLUMN rest BLOB;
CREATE INDEX answers_with_rest ON answers (zone, version) WHERE rest IS NOT NULL;
CREATE INDEX zones_deleted_by_uuid ON zones (uuid) WHERE deleted IS NOT NULL AND forgotten IS NULL;
