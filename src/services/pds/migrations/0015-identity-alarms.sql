-- Changes of identities: which were made through this host, and which appeared that were not.
CREATE TABLE made_operations (
  did TEXT NOT NULL,
  cid TEXT NOT NULL,
  made_ms INTEGER NOT NULL,
  PRIMARY KEY (did, cid)
) WITHOUT ROWID;
CREATE INDEX made_operations_age ON made_operations (made_ms);

CREATE TABLE identity_alarms (
  did TEXT NOT NULL,
  -- the operation as the directory names it
  cid TEXT NOT NULL,
  -- when the directory accepted it: it can be taken back for 72 hours from then
  created_ms INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL,
  -- 'open', 'acknowledged' by its owner, or 'undone'
  state TEXT NOT NULL,
  changed_ms INTEGER NOT NULL,
  PRIMARY KEY (did, cid)
) WITHOUT ROWID;

-- How far each directory's stream was heard.
CREATE TABLE watched_directories (
  url TEXT PRIMARY KEY,
  cursor INTEGER NOT NULL
);

-- When each account's log was looked through last: operations up to there were judged.
CREATE TABLE watched_accounts (
  did TEXT PRIMARY KEY,
  judged_ms INTEGER NOT NULL,
  looked_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX watched_accounts_looked ON watched_accounts (looked_ms);
