-- Letters to people: queued, delivered by a job, or kept for the operator where no mail server is.
-- Takes the place of a table whose letters held codes of a quarter of an hour, in plain text.
DROP TABLE outbox;
CREATE TABLE letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  did TEXT,
  recipient TEXT NOT NULL,
  purpose TEXT NOT NULL,
  subject TEXT NOT NULL,
  -- 'ar,en' or 'en,ar': the reader's own first
  languages TEXT NOT NULL,
  -- what the letter says, sealed with the host's key; NULL once it is delivered or worth nothing
  contents BLOB,
  -- 'kept' here for the operator, 'waiting' for its job, 'sent', 'failed'
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  -- what the mail server said last
  reason TEXT,
  message_id TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  tried_ms INTEGER,
  sent_ms INTEGER,
  -- from when on its contents are worth nothing
  expires_ms INTEGER NOT NULL
);
CREATE INDEX letters_state ON letters (state, id);
CREATE INDEX letters_recipient ON letters (recipient, created_ms);
CREATE INDEX letters_did ON letters (did, id);
CREATE INDEX letters_expires ON letters (expires_ms) WHERE contents IS NOT NULL;
