-- The present schema, for reading: what the migrations in src/sql/migrations together come to. Generated; do not edit.
-- After a new migration: WRITE_SCHEMA=1 cargo test --workspace --lib schema_file
--
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
    created      INTEGER NOT NULL,
    role         INTEGER NOT NULL DEFAULT 1,
    suspended    INTEGER,
    closed       INTEGER,
    max_zones    INTEGER,
    max_records  INTEGER,
    max_tokens   INTEGER,
    totp         BLOB,
    totp_step    INTEGER NOT NULL DEFAULT 0,
    max_changes  INTEGER,
    held_records INTEGER,
    language     TEXT,
    zones_off    INTEGER,
    closes       INTEGER,
    zones_move   INTEGER NOT NULL DEFAULT 0,
    max_stored   INTEGER,
    held_stored  INTEGER
) STRICT;
CREATE INDEX accounts_closed ON accounts (id) WHERE closed IS NOT NULL;
CREATE INDEX accounts_closes ON accounts (closes) WHERE closes IS NOT NULL;
CREATE INDEX accounts_zones_move ON accounts (id) WHERE zones_move = 1;
CREATE TRIGGER account_changed
    AFTER UPDATE OF email, first_name, last_name, company_name, role, suspended, closed, max_zones, max_records, max_tokens
    ON accounts
    BEGIN UPDATE identities SET revision = revision + 1; END;
CREATE TRIGGER account_limited AFTER UPDATE OF max_changes ON accounts
    BEGIN UPDATE identities SET revision = revision + 1; END;

CREATE TABLE answers (
    id          INTEGER PRIMARY KEY,
    account     INTEGER NOT NULL REFERENCES accounts,
    operation   TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    time        INTEGER NOT NULL,
    status      INTEGER NOT NULL,
    -- JSON: [[name, value], ...]
    headers     TEXT NOT NULL,
    body        BLOB NOT NULL,
    -- The version that the change led to. Not a reference: the answer stays when the zone is forgotten.
    zone        BLOB NOT NULL,
    name        BLOB NOT NULL,
    version     INTEGER NOT NULL,
    serial      INTEGER NOT NULL,
    deleted     INTEGER NOT NULL,
    rest        BLOB
) STRICT;
CREATE UNIQUE INDEX answers_by_key ON answers (account, operation, key);
CREATE INDEX answers_by_time ON answers (time);
CREATE INDEX answers_with_rest ON answers (zone, version) WHERE rest IS NOT NULL;

CREATE TABLE apexes (
    id      INTEGER PRIMARY KEY,
    content TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE catalog_versions (
    catalog INTEGER NOT NULL REFERENCES catalogs,
    version INTEGER NOT NULL,
    serial  INTEGER NOT NULL,
    zone    INTEGER REFERENCES zones,
    -- 1: it joined, -1: it left.
    change  INTEGER NOT NULL,
    first   INTEGER,
    PRIMARY KEY (catalog, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX catalog_versions_by_serial ON catalog_versions (catalog, serial, version);
CREATE INDEX catalog_versions_of_zone ON catalog_versions (zone, version) WHERE zone IS NOT NULL;

CREATE TABLE catalogs (
    number  INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    serial  INTEGER NOT NULL
) STRICT;

CREATE TABLE changes_made (
    account INTEGER PRIMARY KEY REFERENCES accounts,
    day     INTEGER NOT NULL,
    made    INTEGER NOT NULL
) STRICT;

CREATE TABLE claims (
    account INTEGER NOT NULL REFERENCES accounts,
    name    BLOB NOT NULL,
    value   TEXT NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_by_age ON claims (created);
CREATE INDEX claims_of_account ON claims (account, created);

CREATE TABLE displacements (
    zone    INTEGER PRIMARY KEY REFERENCES zones,
    by_zone INTEGER NOT NULL REFERENCES zones,
    -- NULL: the accounts of both proved that they control the name, and the operator decides.
    due     INTEGER,
    -- When its owner was told.
    noticed INTEGER
) STRICT;
CREATE INDEX displacements_by_due ON displacements (due) WHERE due IS NOT NULL;
CREATE INDEX displacements_by_zone ON displacements (by_zone);
CREATE INDEX displacements_unnoticed ON displacements (zone) WHERE noticed IS NULL;

CREATE TABLE events (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    time    INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    account INTEGER REFERENCES accounts,
    -- Who did it, where that is another account; NULL and not the account: the command line.
    actor   INTEGER REFERENCES accounts,
    address TEXT,
    detail  TEXT NOT NULL
) STRICT;
CREATE INDEX events_of_account ON events (account, id);

CREATE TABLE floors (
    name   BLOB PRIMARY KEY,
    serial INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE holds (
    name    BLOB PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES accounts,
    until   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX holds_by_end ON holds (until);

CREATE TABLE identities (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    revision INTEGER NOT NULL
) STRICT;

CREATE TABLE known_browsers (
    hash      BLOB NOT NULL,
    account   INTEGER NOT NULL REFERENCES accounts,
    created   INTEGER NOT NULL,
    last_used INTEGER NOT NULL,
    -- Wrong codes since the last right one.
    failures  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (hash, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX known_browsers_by_use ON known_browsers (last_used);
CREATE INDEX known_browsers_of_account ON known_browsers (account, last_used);

CREATE TABLE links (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    hash    BLOB NOT NULL UNIQUE,
    -- Into which account it leads; NULL: it invites to make one.
    account INTEGER REFERENCES accounts,
    -- The address that is invited.
    email   TEXT,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
CREATE INDEX links_by_expiry ON links (expires);
CREATE INDEX links_of_account ON links (account) WHERE account IS NOT NULL;

CREATE TABLE mails (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    kind      INTEGER NOT NULL,
    -- The account that it is for; NULL: it has none yet.
    account   INTEGER REFERENCES accounts,
    -- In lower case.
    recipient TEXT NOT NULL,
    created   INTEGER NOT NULL,
    -- From when on it may be taken. While an attempt runs, that is after its end.
    due       INTEGER NOT NULL,
    expires   INTEGER NOT NULL,
    attempts  INTEGER NOT NULL,
    -- Recipient, subject and text, sealed.
    letter    BLOB NOT NULL
) STRICT;
CREATE INDEX mails_of_recipient ON mails (kind, recipient);

CREATE TABLE owner_mail (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    event INTEGER NOT NULL
) STRICT;

CREATE TABLE present_apex (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    apex INTEGER NOT NULL REFERENCES apexes
) STRICT;

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
    to_version   INTEGER,
    ends         INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX records_by_data ON records (zone, owner, type, data, ends) WHERE to_version IS NULL;
CREATE INDEX records_ending ON records (zone, ends) WHERE to_version IS NULL AND ends > 0;
CREATE INDEX records_from ON records (zone, from_version);
CREATE UNIQUE INDEX records_of_account ON records (account, record, ends) WHERE to_version IS NULL;
CREATE INDEX records_of_zone ON records (zone, record) WHERE to_version IS NULL;
CREATE INDEX records_to ON records (zone, to_version) WHERE to_version IS NOT NULL;

CREATE TABLE recovery_codes (
    account INTEGER NOT NULL REFERENCES accounts,
    hash    BLOB NOT NULL,
    PRIMARY KEY (account, hash)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE secret_keys (
    id          INTEGER PRIMARY KEY,
    check_value BLOB NOT NULL,
    -- When the operator last showed that there is a copy of the file; NULL: never.
    confirmed   INTEGER
) STRICT;

CREATE TABLE sessions (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    account   INTEGER NOT NULL REFERENCES accounts,
    hash      BLOB NOT NULL UNIQUE,
    created   INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    expires   INTEGER NOT NULL,
    -- When its owner last proved who they are; NULL: never in this session.
    proved    INTEGER,
    -- Whether a one-time code is still missing.
    waits     INTEGER NOT NULL,
    address   TEXT,
    agent     TEXT NOT NULL,
    failures  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX sessions_by_expiry ON sessions (expires);
CREATE INDEX sessions_of_account ON sessions (account, id);

CREATE TABLE stages (
    zone    INTEGER PRIMARY KEY REFERENCES zones,
    -- The version that is being written, or the newest that was.
    version INTEGER NOT NULL,
    -- Who writes it; NULL: the version is there, and some of the records that it ended are yet to get their to_version.
    token   BLOB,
    -- When the writer last gave a sign of life.
    renewed INTEGER NOT NULL
) STRICT;

CREATE TABLE tokens (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    account      INTEGER NOT NULL REFERENCES accounts,
    hash         BLOB NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    permissions  INTEGER NOT NULL,
    last_four    TEXT NOT NULL,
    created      INTEGER NOT NULL,
    expires      INTEGER,
    last_used    INTEGER,
    zones        BLOB,
    networks     TEXT,
    last_address TEXT
) STRICT;
CREATE INDEX tokens_of_account ON tokens (account, id);
CREATE TRIGGER token_changed AFTER UPDATE OF account, hash, name, permissions, expires, zones, networks ON tokens
    BEGIN UPDATE identities SET revision = revision + 1; END;
CREATE TRIGGER token_removed AFTER DELETE ON tokens
    BEGIN UPDATE identities SET revision = revision + 1; END;

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

CREATE TABLE versions (
    seq      INTEGER PRIMARY KEY,
    zone     INTEGER NOT NULL REFERENCES zones,
    version  INTEGER NOT NULL,
    serial   INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    -- 1: a change, 2: the zone was deleted.
    kind     INTEGER NOT NULL,
    apex     INTEGER NOT NULL REFERENCES apexes,
    source   INTEGER NOT NULL,
    account  INTEGER REFERENCES accounts,
    author   TEXT NOT NULL,
    address  TEXT,
    comment  TEXT,
    removed  INTEGER NOT NULL DEFAULT 0,
    added    INTEGER NOT NULL DEFAULT 0,
    changed  INTEGER NOT NULL DEFAULT 0,
    settings INTEGER REFERENCES zone_settings
) STRICT;
CREATE UNIQUE INDEX versions_by_number ON versions (zone, version);
CREATE INDEX versions_by_serial ON versions (zone, serial);

CREATE TABLE wrong_codes (
    account INTEGER NOT NULL REFERENCES accounts,
    kind    INTEGER NOT NULL,
    count   INTEGER NOT NULL,
    -- When the last one was.
    last    INTEGER NOT NULL,
    PRIMARY KEY (account, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE zone_settings (
    id          INTEGER PRIMARY KEY,
    default_ttl INTEGER,
    refresh     INTEGER,
    retry       INTEGER,
    expire      INTEGER,
    minimum     INTEGER,
    comment     TEXT
) STRICT;

CREATE TABLE zones (
    id             INTEGER PRIMARY KEY,
    uuid           BLOB NOT NULL UNIQUE,
    account        INTEGER NOT NULL REFERENCES accounts,
    name           BLOB NOT NULL,
    created        INTEGER NOT NULL,
    deleted        INTEGER,
    -- Whether the records of a deleted zone have got their to_version.
    swept          INTEGER NOT NULL DEFAULT 0,
    record_count   INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    serial         INTEGER NOT NULL,
    apex           INTEGER NOT NULL REFERENCES apexes,
    catalog        INTEGER NOT NULL DEFAULT 0,
    rebuilt        INTEGER NOT NULL DEFAULT 0,
    forgotten      INTEGER,
    settings       INTEGER REFERENCES zone_settings,
    withheld       INTEGER NOT NULL DEFAULT 0,
    withheld_until INTEGER,
    proved         INTEGER,
    stored         INTEGER NOT NULL DEFAULT 0,
    decided        INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX zones_by_apex ON zones (apex) WHERE deleted IS NULL;
CREATE INDEX zones_by_catalog ON zones (catalog) WHERE deleted IS NULL;
CREATE UNIQUE INDEX zones_by_name ON zones (name) WHERE deleted IS NULL AND withheld < 2;
CREATE UNIQUE INDEX zones_by_uuid ON zones (uuid) WHERE deleted IS NULL;
CREATE INDEX zones_by_withheld ON zones (account, withheld) WHERE deleted IS NULL;
CREATE INDEX zones_deleted ON zones (deleted, uuid) WHERE deleted IS NOT NULL AND forgotten IS NULL;
CREATE INDEX zones_deleted_by_uuid ON zones (uuid) WHERE deleted IS NOT NULL AND forgotten IS NULL;
CREATE INDEX zones_deleted_of_account ON zones (account) WHERE deleted IS NOT NULL;
CREATE INDEX zones_displaced ON zones (withheld_until) WHERE deleted IS NULL AND withheld_until IS NOT NULL;
CREATE INDEX zones_forgotten ON zones (swept, forgotten) WHERE forgotten IS NOT NULL;
CREATE INDEX zones_of_account ON zones (account, uuid) WHERE deleted IS NULL;
CREATE INDEX zones_of_account_by_name ON zones (account, name) WHERE deleted IS NULL;
CREATE INDEX zones_unswept ON zones (id) WHERE deleted IS NOT NULL AND swept = 0;
CREATE UNIQUE INDEX zones_waiting ON zones (name) WHERE deleted IS NULL AND withheld >= 4;
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
