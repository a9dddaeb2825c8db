-- The directory of a host: accounts, sign-in state, codes, outgoing mail, settings.
CREATE TABLE accounts (
  did TEXT PRIMARY KEY,
  -- a projection of the journal; who may have a handle is decided by the table handles
  handle TEXT NOT NULL,
  email TEXT UNIQUE,
  email_confirmed_ms INTEGER,
  password_hash TEXT NOT NULL,
  -- 'pending' until the first journal batch is applied, then 'active', 'deactivated', 'takendown', 'deleted'
  status TEXT NOT NULL,
  -- which file of the account counts; an import makes the next one
  generation INTEGER NOT NULL DEFAULT 1,
  -- sealed with the host's key; emptied when the account is deleted
  signing_key BLOB NOT NULL,
  data_key BLOB NOT NULL,
  -- the exact signed PLC operation of a pending account, to submit it again after a crash
  plc_operation TEXT,
  -- the journal's newest entry when the row was made: older entries of this DID are of an earlier life
  born_seq INTEGER NOT NULL,
  -- the newest journal entry that this row reflects
  applied_seq INTEGER NOT NULL DEFAULT 0,
  -- the account's file reflects the journal up to here, on the disk; 0 when that is not known
  synced_seq INTEGER NOT NULL DEFAULT 0,
  -- head of the repository as of synced_seq, for listings
  rev TEXT,
  head BLOB,
  -- writes are refused until this instant: the last step of a move
  frozen_until_ms INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER NOT NULL,
  deactivated_ms INTEGER,
  delete_after_ms INTEGER
);
CREATE INDEX accounts_status ON accounts (status, did);
CREATE INDEX accounts_handle ON accounts (handle);
CREATE INDEX accounts_delete_after ON accounts (delete_after_ms) WHERE delete_after_ms IS NOT NULL;

-- Handles in use or claimed: a claim comes before the identity changes, and goes when it did not.
CREATE TABLE handles (
  handle TEXT PRIMARY KEY,
  did TEXT NOT NULL,
  claimed_ms INTEGER NOT NULL
);
CREATE INDEX handles_did ON handles (did);

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
CREATE INDEX refresh_tokens_expires ON refresh_tokens (expires_ms);

CREATE TABLE app_passwords (
  did TEXT NOT NULL,
  name TEXT NOT NULL,
  -- sha-256: app passwords are made here, from 80 random bits
  password_hash BLOB NOT NULL,
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
  -- letters of this purpose, counted within an hour
  sent_since_ms INTEGER NOT NULL,
  sent_count INTEGER NOT NULL,
  PRIMARY KEY (did, purpose)
);
CREATE INDEX codes_hash ON codes (code_hash);

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
CREATE INDEX reserved_keys_created ON reserved_keys (created_ms);

CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
