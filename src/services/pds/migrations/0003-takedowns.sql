-- What the operator has taken down. An account's own standing is in the journal; its row keeps what it was before.
create table takedowns (
  -- the DID of an account, the AT-URI of a record, or DID and CID of a blob with a space between
  subject text primary key,
  -- who asked, in their own words: the number of a decision
  ref text,
  previous_status text,
  created_ms integer not null
);
