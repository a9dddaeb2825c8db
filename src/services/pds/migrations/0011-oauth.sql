-- What apps asked for, until its owner has decided and the code is used.
CREATE TABLE oauth_requests (
  -- sha-256 of what request_uri says
  id_hash BLOB PRIMARY KEY,
  client_id TEXT NOT NULL,
  -- what is asked for, as JSON
  params TEXT NOT NULL,
  -- name of the DPoP key that tokens will be bound to
  jkt TEXT NOT NULL,
  -- the key by which a confidential app proved itself, as JSON
  client_key TEXT,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  -- the browser that opened it first; no other one may
  device TEXT,
  -- once its owner agreed: whose account, to what, and sha-256 of the code
  did TEXT,
  scope TEXT,
  code_hash BLOB UNIQUE,
  -- 1 once the owner has decided, either way
  is_decided INTEGER NOT NULL DEFAULT 0,
  -- the session that the code was used for: used again, it ends that
  session_id TEXT
);
CREATE INDEX oauth_requests_expires ON oauth_requests (expires_ms);

-- PKCE challenges of codes that were used: none is good twice.
CREATE TABLE oauth_challenges (
  challenge TEXT PRIMARY KEY,
  expires_ms INTEGER NOT NULL
);
CREATE INDEX oauth_challenges_expires ON oauth_challenges (expires_ms);

-- Apps that may act for an account. Tokens are derived from id and generation; none is kept.
CREATE TABLE oauth_sessions (
  id TEXT PRIMARY KEY,
  did TEXT NOT NULL,
  client_id TEXT NOT NULL,
  -- what the app calls itself; nobody has verified it
  client_name TEXT,
  client_key TEXT,
  jkt TEXT NOT NULL,
  -- what was granted, and the same with permission sets resolved
  scope TEXT NOT NULL,
  permissions TEXT NOT NULL,
  may_refresh INTEGER NOT NULL,
  -- counts the tokens handed out; the one before is good for a moment longer
  generation INTEGER NOT NULL,
  generation_ms INTEGER NOT NULL,
  previous_ms INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  -- the session ends then, however often it is renewed
  ends_ms INTEGER NOT NULL
);
CREATE INDEX oauth_sessions_did ON oauth_sessions (did, generation_ms);
CREATE INDEX oauth_sessions_expires ON oauth_sessions (expires_ms);

-- Permission sets, as their authors published them.
CREATE TABLE oauth_permission_sets (
  nsid TEXT PRIMARY KEY,
  document TEXT NOT NULL,
  fetched_ms INTEGER NOT NULL
);
CREATE INDEX oauth_permission_sets_fetched ON oauth_permission_sets (fetched_ms);
