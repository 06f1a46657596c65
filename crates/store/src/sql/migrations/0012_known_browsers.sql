-- Browsers in which an owner has signed in completely, each by the hash of its cookie: signing in from them is not held up by what
-- others try. A browser is known to several accounts if they use it.
CREATE TABLE known_browsers (
    hash      BLOB NOT NULL,
    account   INTEGER NOT NULL REFERENCES accounts,
    created   INTEGER NOT NULL,
    last_used INTEGER NOT NULL,
    -- Wrong codes since the last right one.
    failures  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (hash, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX known_browsers_of_account ON known_browsers (account, last_used);
CREATE INDEX known_browsers_by_use ON known_browsers (last_used);

-- Wrong codes of an account since the last right one of the same kind. 1: one-time codes, 2: recovery codes.
CREATE TABLE wrong_codes (
    account INTEGER NOT NULL REFERENCES accounts,
    kind    INTEGER NOT NULL,
    count   INTEGER NOT NULL,
    -- When the last one was.
    last    INTEGER NOT NULL,
    PRIMARY KEY (account, kind)
) STRICT, WITHOUT ROWID;

-- Wrong codes in a session that waits for one.
ALTER TABLE sessions ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;

-- The language in which the owner last signed in, for mail; NULL: not known.
ALTER TABLE accounts ADD COLUMN language TEXT;

-- Up to which event owners have been written to.
CREATE TABLE owner_mail (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    event INTEGER NOT NULL
) STRICT;
INSERT INTO owner_mail SELECT 1, coalesce(max(id), 0) FROM events;
