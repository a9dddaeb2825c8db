-- Hosts that are crawled, and the last known state of every repository. Both are a projection of
-- the stream: rebuilt from its tail after a crash.
CREATE TABLE hosts (
  -- origin, such as https://pds.example
  url TEXT PRIMARY KEY,
  -- seq of the last event taken over from it
  cursor INTEGER NOT NULL DEFAULT 0,
  -- 'active', 'idle', 'offline', 'throttled', 'banned'
  status TEXT NOT NULL DEFAULT 'idle',
  -- a relay that may send events of any host's accounts
  trusted INTEGER NOT NULL DEFAULT 0,
  added_ms INTEGER NOT NULL
);

CREATE TABLE repos (
  did TEXT PRIMARY KEY,
  host TEXT NOT NULL,
  rev TEXT,
  commit_cid BLOB,
  data BLOB,
  -- null while active
  status TEXT,
  -- set while events are dropped until the state is fetched from the host
  desynchronized INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX repos_host ON repos (host);

CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO settings (name, value) VALUES ('applied-seq', '0');
