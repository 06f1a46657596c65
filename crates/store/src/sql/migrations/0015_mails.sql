-- Mail that waits to be sent. A letter that was sent has no row.
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
