-- What owners of a did:web under a domain of this host say of themselves in place of what the host
-- would: where they moved to. Without a row the document follows the account.
CREATE TABLE hosted_documents (
  did TEXT PRIMARY KEY,
  -- alsoKnownAs, verificationMethods and services as JSON
  state TEXT NOT NULL,
  changed_ms INTEGER NOT NULL
) WITHOUT ROWID;
