-- The first answer to each request that came with a key of the client's, for a day.
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
    deleted     INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX answers_by_key ON answers (account, operation, key);
CREATE INDEX answers_by_time ON answers (time);
