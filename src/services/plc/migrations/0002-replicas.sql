-- What follows another directory keeps that one's times, and in a log of millions two may be the same.
drop index operation_by_created;
create index operation_by_created on operation (created_ms, seq);
-- A DID's log is short: its operations are found by its seqs, and a log of millions has an index less.
drop index operation_by_cid;
-- Where a replica is: at most one row, which makes this database a replica.
create table replica (
  id integer primary key check (id = 1),
  upstream text not null,           -- the directory that is followed
  cursor integer not null,          -- its seq up to which everything is here
  cursor_cid text not null          -- the operation it had there; '' at the start
);
-- Operations the upstream sent that do not verify: not served, kept to be looked at.
create table held (
  seq integer primary key,          -- the upstream's
  did text not null,
  cid text not null,                -- as the upstream says
  body text not null,               -- the operation as JSON; '' when it was too large to keep
  reason text not null,             -- a PlcVerdict, or FollowsHeld
  created_ms integer not null,      -- the upstream's time
  held_ms integer not null
);
create index held_by_did on held (did, cid);
