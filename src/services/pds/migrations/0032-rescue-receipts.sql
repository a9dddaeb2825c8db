-- How an account came back from a copy: the newest signed receipt of each.
CREATE TABLE rescue_receipts (
  did TEXT PRIMARY KEY,
  receipt TEXT NOT NULL,   -- JSON
  signed_ms BIGINT NOT NULL
);
