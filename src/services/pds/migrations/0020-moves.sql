-- Accounts that move to this host. What the job remembers between its steps is sealed with the host's
-- key and emptied at its end: it holds the owner's sessions.
CREATE TABLE moves (
  id TEXT PRIMARY KEY,
  did TEXT NOT NULL,
  handle TEXT NOT NULL,
  source TEXT NOT NULL,
  state TEXT NOT NULL, -- running, waiting, paused, failed, done, abandoned
  version INTEGER NOT NULL,
  -- step, counts, what the owner must do and what went wrong, as JSON
  shown TEXT NOT NULL,
  sealed BLOB,
  receipt TEXT,
  started_ms BIGINT NOT NULL,
  changed_ms BIGINT NOT NULL
);
CREATE INDEX moves_did ON moves (did, started_ms);
