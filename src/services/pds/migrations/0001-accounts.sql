-- The directory of a host: accounts, sign-in state, codes, outgoing mail, settings.
CREATE TABLE accounts (
  did TEXT PRIMARY KEY,
  handle TEXT NOT NULL UNIQUE,
  email TEXT UNIQUE,
  email_confirmed_ms INTEGER,
  password_hash TEXT NOT NULL,
  -- 'pending' until the first journal batch is applied, then 'active', 'deactivated', 'takendown'
  status TEXT NOT NULL,
  -- which file of the account counts; an import makes the next one
  generation INTEGER NOT NULL DEFAULT 1,
  -- sealed with the host's key
  signing_key BLOB NOT NULL,
  data_key BLOB NOT NULL,
  -- the exact signed PLC operation of a pending account, to submit it again after a crash
  plc_operation TEXT,
  created_ms INTEGER NOT NULL,
  deactivated_ms INTEGER,
  delete_after_ms INTEGER
);
CREATE INDEX accounts_status ON accounts (status, did);

CREATE TABLE refresh_tokens (
  id TEXT PRIMARY KEY,
  did TEXT NOT NULL,
  expires_ms INTEGER NOT NULL,
  -- the token that replaced this one: a response that was lost can be asked for again
  next_id TEXT,
  app_password_name TEXT,
  created_ms INTEGER NOT NULL
);
CREATE INDEX refresh_tokens_did ON refresh_tokens (did);

CREATE TABLE app_passwords (
  did TEXT NOT NULL,
  name TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  privileged INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (did, name)
);

CREATE TABLE codes (
  did TEXT NOT NULL,
  purpose TEXT NOT NULL,
  code_hash BLOB NOT NULL,
  expires_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (did, purpose)
);

CREATE TABLE invite_codes (
  code TEXT PRIMARY KEY,
  uses_left INTEGER NOT NULL,
  created_ms INTEGER NOT NULL
);

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  did TEXT,
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  created_ms INTEGER NOT NULL
);

CREATE TABLE reserved_keys (
  did_key TEXT PRIMARY KEY,
  did TEXT UNIQUE,
  signing_key BLOB NOT NULL,
  created_ms INTEGER NOT NULL
);

CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
