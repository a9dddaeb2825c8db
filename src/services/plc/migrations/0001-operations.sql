-- The directory: every operation ever accepted, in order. Rows are only added; `nullified` is all
-- that ever changes.
create table operation (
  seq integer primary key,              -- order of acceptance
  did text not null,
  cid text not null,
  prev text not null,                   -- cid it follows; '' for the first
  body text not null,                   -- the operation as JSON, ready to send
  nullified integer not null default 0, -- 1: a more powerful key took it back
  created_ms integer not null
);
create unique index operation_by_created on operation (created_ms);
create unique index operation_by_cid on operation (did, cid);
create index operation_by_did on operation (did, seq);
-- A log in force has no forks, whatever the program believes: one operation follows another.
create unique index operation_chain on operation (did, prev) where nullified = 0;
