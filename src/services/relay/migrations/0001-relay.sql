-- Hosts that are crawled, and the last known state of every repository. Both are a projection of
-- the stream: what a crash leaves behind is made again from the stream's tail.
CREATE TABLE hosts (
  -- origin, such as https://pds.example
  url TEXT PRIMARY KEY,
  -- everything up to this seq of the host was dealt with
  cursor INTEGER NOT NULL DEFAULT 0,
  -- 'active', 'idle', 'offline', 'banned'
  status TEXT NOT NULL DEFAULT 'idle',
  -- a relay that may send events of any host's accounts
  trusted INTEGER NOT NULL DEFAULT 0,
  added_ms INTEGER NOT NULL
);

CREATE TABLE repos (
  did TEXT PRIMARY KEY,
  -- origin of the account's host
  host TEXT NOT NULL,
  rev TEXT,
  commit_cid BLOB,
  data BLOB,
  -- null while active
  status TEXT,
  -- 1 while commits wait for the repository's head to be fetched from its host
  desynchronized INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX repos_host ON repos (host);
CREATE INDEX repos_desynchronized ON repos (did) WHERE desynchronized = 1;

CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO settings (name, value) VALUES ('applied-seq', '0');
