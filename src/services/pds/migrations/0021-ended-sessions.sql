-- A password session keeps its name through every renewal: its access tokens carry it.
ALTER TABLE refresh_tokens ADD COLUMN session_id TEXT;

-- Sessions that ended while access tokens of theirs may still be about.
CREATE TABLE ended_sessions (
  -- a session, or the DID of an account whose tokens of before then all ended
  name TEXT PRIMARY KEY,
  ended_ms INTEGER NOT NULL
);
CREATE INDEX ended_sessions_ended ON ended_sessions (ended_ms);
