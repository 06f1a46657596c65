-- What an account is asked to publish below a name, to prove that it controls it.
CREATE TABLE claims (
    account INTEGER NOT NULL REFERENCES accounts,
    name    BLOB NOT NULL,
    value   TEXT NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_by_age ON claims (created);
CREATE INDEX claims_of_account ON claims (account, created);

-- When its account proved that it controls the name; NULL: never.
ALTER TABLE zones ADD COLUMN proved INTEGER;
CREATE UNIQUE INDEX zones_waiting ON zones (name) WHERE deleted IS NULL AND withheld >= 4;
CREATE INDEX zones_displaced ON zones (withheld_until) WHERE deleted IS NULL AND withheld_until IS NOT NULL;

-- Zones that are to be displaced by another.
CREATE TABLE displacements (
    zone    INTEGER PRIMARY KEY REFERENCES zones,
    by_zone INTEGER NOT NULL REFERENCES zones,
    -- NULL: the accounts of both proved that they control the name, and the operator decides.
    due     INTEGER,
    -- When its owner was told.
    noticed INTEGER
) STRICT;
CREATE INDEX displacements_by_zone ON displacements (by_zone);
CREATE INDEX displacements_by_due ON displacements (due) WHERE due IS NOT NULL;
CREATE INDEX displacements_unnoticed ON displacements (zone) WHERE noticed IS NULL;
