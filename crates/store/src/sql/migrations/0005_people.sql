-- People: roles, suspension, limits, second factors, sessions, one-time links, and the trail of what was done to accounts.
-- A secret that its owner presents is stored as its SHA-256 and nothing else; all of them are random.

-- 1: a user, 2: an operator.
ALTER TABLE accounts ADD COLUMN role INTEGER NOT NULL DEFAULT 1;
-- Since when it is refused; NULL: it is not.
ALTER TABLE accounts ADD COLUMN suspended INTEGER;
-- A closed account keeps its row, because versions point at it, and nothing of its owner.
ALTER TABLE accounts ADD COLUMN closed INTEGER;
CREATE INDEX accounts_closed ON accounts (id) WHERE closed IS NOT NULL;
-- NULL: no limit.
ALTER TABLE accounts ADD COLUMN max_zones INTEGER;
ALTER TABLE accounts ADD COLUMN max_records INTEGER;
ALTER TABLE accounts ADD COLUMN max_tokens INTEGER;
-- The key of its one-time codes (RFC 6238), and the newest time step that was accepted: a code is good once.
ALTER TABLE accounts ADD COLUMN totp BLOB;
ALTER TABLE accounts ADD COLUMN totp_step INTEGER NOT NULL DEFAULT 0;
-- Until there were roles, the first account was the operator's.
UPDATE accounts SET role = 2 WHERE id = (SELECT min(id) FROM accounts);

CREATE TABLE recovery_codes (
    account INTEGER NOT NULL REFERENCES accounts,
    hash    BLOB NOT NULL,
    PRIMARY KEY (account, hash)
) STRICT, WITHOUT ROWID;

-- The zones it may touch, 16 octets each, one after the other; NULL: all of its account's. An empty one allows none, so that
-- a zone that is deleted never widens a token.
ALTER TABLE tokens ADD COLUMN zones BLOB;
-- The networks it may be used from, with spaces between; NULL: anywhere.
ALTER TABLE tokens ADD COLUMN networks TEXT;
ALTER TABLE tokens ADD COLUMN last_address TEXT;

DROP TRIGGER token_changed;
CREATE TRIGGER token_changed AFTER UPDATE OF account, hash, name, permissions, expires, zones, networks ON tokens
    BEGIN UPDATE identities SET revision = revision + 1; END;
DROP TRIGGER account_changed;
CREATE TRIGGER account_changed
    AFTER UPDATE OF email, first_name, last_name, company_name, role, suspended, closed, max_zones, max_records, max_tokens
    ON accounts
    BEGIN UPDATE identities SET revision = revision + 1; END;

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
    agent     TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_of_account ON sessions (account, id);
CREATE INDEX sessions_by_expiry ON sessions (expires);

-- A link that was used has no row.
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
CREATE INDEX links_of_account ON links (account) WHERE account IS NOT NULL;
CREATE INDEX links_by_expiry ON links (expires);

-- What was done to accounts. Rows are never changed.
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
