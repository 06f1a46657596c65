CREATE TABLE update_keys (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid        BLOB NOT NULL UNIQUE,
    account     INTEGER NOT NULL REFERENCES accounts,
    -- The token that created it, and that it ends with.
    token       INTEGER REFERENCES tokens ON DELETE CASCADE,
    name        TEXT NOT NULL,
    -- As the sort key of a domain name.
    key_name    BLOB NOT NULL UNIQUE,
    algorithm   INTEGER NOT NULL,
    purpose     INTEGER NOT NULL,
    -- The door that its path leads to; NULL: it has a secret and a token.
    door        INTEGER,
    -- Sealed; NULL of a key with a path, and where the key of the secrets was lost.
    secret      BLOB,
    -- Of its token, or of what stands in its path.
    hash        BLOB NOT NULL UNIQUE,
    -- UUIDs, one after the other, and the names of these zones in the same order.
    zones       BLOB NOT NULL,
    zone_names  TEXT NOT NULL,
    -- Patterns; NULL: all names.
    names       TEXT,
    -- Record types, or ANY; NULL: the usual ones.
    types       TEXT,
    permissions INTEGER NOT NULL,
    networks    TEXT,
    created     INTEGER NOT NULL,
    expires     INTEGER,
    last_used   INTEGER
) STRICT;
CREATE INDEX update_keys_of_account ON update_keys (account, id);
CREATE INDEX update_keys_of_token ON update_keys (token) WHERE token IS NOT NULL;
CREATE TRIGGER update_key_changed AFTER UPDATE OF account, key_name, secret, hash, zones, names, types, permissions, networks, expires ON update_keys
    BEGIN UPDATE identities SET revision = revision + 1; END;
CREATE TRIGGER update_key_removed AFTER DELETE ON update_keys
    BEGIN UPDATE identities SET revision = revision + 1; END;

CREATE TABLE refusals (
    id        INTEGER PRIMARY KEY,
    key       INTEGER NOT NULL REFERENCES update_keys ON DELETE CASCADE,
    -- Of the last of equal ones.
    time      INTEGER NOT NULL,
    -- An address; empty where there was none.
    source    TEXT NOT NULL,
    transport INTEGER NOT NULL,
    rule      INTEGER NOT NULL,
    asked     TEXT NOT NULL,
    detail    TEXT NOT NULL,
    count     INTEGER NOT NULL,
    UNIQUE (key, source, transport, rule, asked, detail)
) STRICT;
CREATE INDEX refusals_by_time ON refusals (key, time, id);
