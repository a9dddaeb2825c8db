-- Public keys that owners of accounts registered as theirs: whether each is in force, the directory of
-- identities says. No private key ever comes here.
CREATE TABLE recovery_keys (
  did TEXT NOT NULL,
  did_key TEXT NOT NULL,
  label TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  -- when its owner last proved that they can read the sheet it is written on
  checked_ms INTEGER,
  -- the key, locked by a passkey of its owner, as JSON
  wrapped TEXT,
  PRIMARY KEY (did, did_key)
) WITHOUT ROWID;
