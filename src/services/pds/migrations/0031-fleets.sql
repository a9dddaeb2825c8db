-- Many accounts of one host that move here in waves. What opens the accounts at the old host is sealed with
-- the host's key, and emptied when an account has arrived or was given up.
CREATE TABLE fleets (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  source TEXT NOT NULL,
  state TEXT NOT NULL, -- draft, checking, checked, running, paused, abandoning, done, abandoned
  why TEXT, -- it is paused: operator, failures, wave
  wave INTEGER NOT NULL, -- the last that began
  version INTEGER NOT NULL,
  settings TEXT NOT NULL,
  operator TEXT, -- of the old host
  sealed BLOB, -- and their password
  created_by TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  changed_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX fleets_open ON fleets (name) WHERE state NOT IN ('done', 'abandoned');

CREATE TABLE fleet_accounts (
  fleet TEXT NOT NULL,
  account TEXT NOT NULL, -- as the table names it
  position INTEGER NOT NULL,
  wave INTEGER NOT NULL,
  proof TEXT NOT NULL, -- password, session, operator
  handle TEXT, -- the one that is wanted here
  state TEXT NOT NULL, -- waiting, checked, blocked, moving, owner, done, failed, abandoned
  did TEXT,
  move TEXT, -- the job that carries it
  tries INTEGER NOT NULL,
  due_ms BIGINT NOT NULL,
  needs TEXT,
  plan TEXT,
  problem TEXT,
  sealed BLOB,
  changed_ms BIGINT NOT NULL,
  PRIMARY KEY (fleet, account)
);
CREATE INDEX fleet_accounts_next ON fleet_accounts (fleet, state, wave, position);
CREATE INDEX fleet_accounts_did ON fleet_accounts (fleet, did);
ALTER TABLE moves ADD COLUMN fleet TEXT;
