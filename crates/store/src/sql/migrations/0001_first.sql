-- Times are milliseconds since 1970 (UTC). Names and owners are sort keys (dns::Name::key, dns::OwnerName::key), UUIDs their
-- 16 octets. A number that stands for a state (kind, source, permissions) never changes its meaning.

CREATE TABLE accounts (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    email        TEXT NOT NULL,
    -- The address in lower case: the form in which it is unique.
    email_key    TEXT NOT NULL UNIQUE,
    first_name   TEXT NOT NULL,
    last_name    TEXT NOT NULL,
    company_name TEXT NOT NULL,
    password     TEXT,
    created      INTEGER NOT NULL
) STRICT;

-- A revoked token has no row. AUTOINCREMENT: its number is never another token's, or a late "revoke 7" would hit a stranger.
CREATE TABLE tokens (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account     INTEGER NOT NULL REFERENCES accounts,
    hash        BLOB NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    permissions INTEGER NOT NULL,
    last_four   TEXT NOT NULL,
    created     INTEGER NOT NULL,
    expires     INTEGER,
    last_used   INTEGER
) STRICT;
CREATE INDEX tokens_of_account ON tokens (account, id);

-- Moves whenever an identity that somebody may have in memory has changed, whoever changed it.
CREATE TABLE identities (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO identities VALUES (1, 0);
CREATE TRIGGER token_removed AFTER DELETE ON tokens
    BEGIN UPDATE identities SET revision = revision + 1; END;
CREATE TRIGGER token_changed AFTER UPDATE OF account, hash, name, permissions, expires ON tokens
    BEGIN UPDATE identities SET revision = revision + 1; END;
CREATE TRIGGER account_changed AFTER UPDATE OF email, first_name, last_name, company_name ON accounts
    BEGIN UPDATE identities SET revision = revision + 1; END;

-- What the server puts into every zone. A row never changes: versions point at it.
CREATE TABLE apexes (
    id      INTEGER PRIMARY KEY,
    content TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE zones (
    id           INTEGER PRIMARY KEY,
    uuid         BLOB NOT NULL UNIQUE,
    account      INTEGER NOT NULL REFERENCES accounts,
    name         BLOB NOT NULL,
    created      INTEGER NOT NULL,
    deleted      INTEGER,
    -- Whether the records of a deleted zone have got their to_version.
    swept        INTEGER NOT NULL DEFAULT 0,
    record_count INTEGER NOT NULL,
    version      INTEGER NOT NULL,
    serial       INTEGER NOT NULL,
    apex         INTEGER NOT NULL REFERENCES apexes
) STRICT;
CREATE UNIQUE INDEX zones_by_name ON zones (name) WHERE deleted IS NULL;
CREATE UNIQUE INDEX zones_by_uuid ON zones (uuid) WHERE deleted IS NULL;
CREATE INDEX zones_of_account ON zones (account, uuid) WHERE deleted IS NULL;
CREATE INDEX zones_by_apex ON zones (apex) WHERE deleted IS NULL;
CREATE INDEX zones_unswept ON zones (id) WHERE deleted IS NOT NULL AND swept = 0;

-- The journal. seq is a position over all zones; rows are never deleted, so that it only grows.
CREATE TABLE versions (
    seq         INTEGER PRIMARY KEY,
    zone        INTEGER NOT NULL REFERENCES zones,
    version     INTEGER NOT NULL,
    serial      INTEGER NOT NULL,
    time        INTEGER NOT NULL,
    -- 1: a change, 2: the zone was deleted.
    kind        INTEGER NOT NULL,
    apex        INTEGER NOT NULL REFERENCES apexes,
    source      INTEGER NOT NULL,
    account     INTEGER REFERENCES accounts,
    author      TEXT NOT NULL,
    address     TEXT,
    comment     TEXT
) STRICT;
CREATE UNIQUE INDEX versions_by_number ON versions (zone, version);
CREATE INDEX versions_by_serial ON versions (zone, serial);

-- A row per life of a record: from the version that wrote it to the version that ended it.
CREATE TABLE records (
    id           INTEGER PRIMARY KEY,
    zone         INTEGER NOT NULL REFERENCES zones,
    account      INTEGER NOT NULL REFERENCES accounts,
    record       BLOB NOT NULL,
    owner        BLOB NOT NULL,
    type         INTEGER NOT NULL,
    data         BLOB NOT NULL,
    quoted       INTEGER NOT NULL,
    ttl          INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    from_version INTEGER NOT NULL,
    from_serial  INTEGER NOT NULL,
    to_version   INTEGER
) STRICT;
CREATE UNIQUE INDEX records_by_data ON records (zone, owner, type, data) WHERE to_version IS NULL;
CREATE UNIQUE INDEX records_of_account ON records (account, record) WHERE to_version IS NULL;
CREATE INDEX records_of_zone ON records (zone, record) WHERE to_version IS NULL;
CREATE INDEX records_from ON records (zone, from_version);
CREATE INDEX records_to ON records (zone, to_version) WHERE to_version IS NOT NULL;

-- The highest serial under which a name was ever deleted: a new zone of that name begins above it.
CREATE TABLE floors (
    name   BLOB PRIMARY KEY,
    serial INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
