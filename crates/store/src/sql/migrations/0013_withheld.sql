-- Why no nameserver is to serve a zone, as a sum; 0: it is served. 1: its account's zones are off the nameservers. 2: another
-- account proved control of its name, and it was displaced. 4: it waits until another account's zone is displaced. A zone with 2
-- or 4 does not hold its name, which is another zone's.
ALTER TABLE zones ADD COLUMN withheld INTEGER NOT NULL DEFAULT 0;
-- Until when: with 2, then it is deleted; with 4, then it is served (NULL: the operator decides).
ALTER TABLE zones ADD COLUMN withheld_until INTEGER;
DROP INDEX zones_by_name;
CREATE UNIQUE INDEX zones_by_name ON zones (name) WHERE deleted IS NULL AND withheld < 2;
CREATE INDEX zones_by_withheld ON zones (account, withheld) WHERE deleted IS NULL;

-- Since when its zones are off the nameservers; NULL: they are served.
ALTER TABLE accounts ADD COLUMN zones_off INTEGER;
-- When the account is closed for good; NULL: it is not to be.
ALTER TABLE accounts ADD COLUMN closes INTEGER;
-- 1: some of its zones are not yet as zones_off says.
ALTER TABLE accounts ADD COLUMN zones_move INTEGER NOT NULL DEFAULT 0;
CREATE INDEX accounts_zones_move ON accounts (id) WHERE zones_move = 1;
CREATE INDEX accounts_closes ON accounts (closes) WHERE closes IS NOT NULL;
