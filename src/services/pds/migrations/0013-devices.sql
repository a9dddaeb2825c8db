-- Browsers, and who is signed in on them.
CREATE TABLE devices (
  -- as pages name it; the browser itself is known by its secret
  id TEXT PRIMARY KEY,
  -- sha-256 of what the cookie holds; another one after each sign-in
  secret_hash BLOB NOT NULL UNIQUE,
  -- 'Firefox, Android': no more is kept of a user agent
  agent TEXT NOT NULL,
  -- whose pages are shown where several are signed in
  selected_did TEXT,
  created_ms INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL
);
CREATE INDEX devices_seen ON devices (seen_ms);
CREATE TABLE device_accounts (
  device_id TEXT NOT NULL,
  did TEXT NOT NULL,
  -- NULL once signed out; the row stays while the device is trusted
  signed_in_ms INTEGER,
  -- when its owner last proved who they are
  authenticated_ms INTEGER NOT NULL,
  -- no second factor is asked for until then
  trusted_until_ms INTEGER NOT NULL DEFAULT 0,
  first_ms INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL,
  PRIMARY KEY (device_id, did)
);
CREATE INDEX device_accounts_did ON device_accounts (did, seen_ms);
