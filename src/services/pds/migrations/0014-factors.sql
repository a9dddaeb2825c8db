-- What an account's owner proves beside a password.
CREATE TABLE factors (
  id TEXT PRIMARY KEY,
  did TEXT NOT NULL,
  -- 'totp', 'passkey', 'email'
  kind TEXT NOT NULL,
  -- as its owner calls it
  name TEXT NOT NULL,
  -- of an app: its secret, sealed with the account's key; of a passkey: its public key
  secret BLOB,
  credential_id TEXT UNIQUE,
  -- of a passkey: how often it was used, by its own count; of an app: the last step of time that was accepted
  counter INTEGER NOT NULL DEFAULT 0,
  -- how a passkey is reached, as JSON
  transports TEXT,
  created_ms INTEGER NOT NULL,
  used_ms INTEGER
);
CREATE INDEX factors_did ON factors (did);

CREATE TABLE recovery_codes (
  did TEXT NOT NULL,
  -- sha-256: made here, from 80 random bits
  code_hash BLOB NOT NULL,
  PRIMARY KEY (did, code_hash)
);

-- Wrong codes of an account, within a quarter of an hour and within a day.
CREATE TABLE factor_guesses (
  did TEXT NOT NULL,
  window_ms INTEGER NOT NULL,
  since_ms INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (did, window_ms)
);

-- Who signed in, and who nearly did. The newest hundred of an account.
CREATE TABLE sign_ins (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  did TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  -- 'page', 'app', 'app-password'
  place TEXT NOT NULL,
  -- 'password', 'passkey', 'password totp', …
  how TEXT NOT NULL,
  -- 'ok', 'refused'
  outcome TEXT NOT NULL,
  -- 'Firefox, Android'
  agent TEXT NOT NULL,
  -- the address without its last part
  network TEXT NOT NULL
);
CREATE INDEX sign_ins_did ON sign_ins (did, id);

-- When an app password was last used, and from what.
ALTER TABLE app_passwords ADD COLUMN used_ms INTEGER;

-- A session keeps these through its tokens.
ALTER TABLE refresh_tokens ADD COLUMN started_ms INTEGER;
ALTER TABLE refresh_tokens ADD COLUMN agent TEXT;
