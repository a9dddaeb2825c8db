-- Accounts that the operator has paused. The standing itself is in the journal.
create table suspensions (
  did text primary key,
  -- why, in the operator's own words
  ref text,
  -- what the account is when it ends
  previous_status text not null,
  -- when it ends by itself
  until_ms integer,
  created_ms integer not null
);
