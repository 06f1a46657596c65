-- An account's zones by name: the order of the list that people read and search.
CREATE INDEX zones_of_account_by_name ON zones (account, name) WHERE deleted IS NULL;
