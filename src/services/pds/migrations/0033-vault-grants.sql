-- Vaults that may read what is not in an account's repository, by its owner's word.
CREATE TABLE vault_grants (
  did TEXT NOT NULL,
  vault TEXT NOT NULL,       -- DID
  url TEXT NOT NULL,         -- origin
  granted_ms BIGINT NOT NULL,
  read_ms BIGINT,            -- when it last read
  PRIMARY KEY (did, vault)
);
CREATE INDEX vault_grants_by_vault ON vault_grants (vault);
