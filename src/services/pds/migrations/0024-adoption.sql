-- Accounts that were taken over with the data directory of another host, and what was found there.
CREATE TABLE adopted_accounts (
  did TEXT PRIMARY KEY,
  -- as JSON
  report TEXT NOT NULL,
  adopted_ms INTEGER NOT NULL
);
