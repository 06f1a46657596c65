-- The keys that secrets in this database are encrypted with, each with a value that only the right key opens. The keys
-- themselves are in a file.
CREATE TABLE secret_keys (
    id          INTEGER PRIMARY KEY,
    check_value BLOB NOT NULL,
    -- When the operator last showed that there is a copy of the file; NULL: never.
    confirmed   INTEGER
) STRICT;
-- The keys of one-time codes are sealed from now on. An empty one is lost: only recovery codes let its owner in.
UPDATE accounts SET totp = seal_totp(id, totp) WHERE totp IS NOT NULL;
