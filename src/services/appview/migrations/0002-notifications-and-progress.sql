-- One row per recipient, record and reason. `rkey` is the author's record: its collection follows
-- from the reason.
create table notice (
  author_aid integer not null,
  rkey text not null,
  reason integer not null,
  aid integer not null,                 -- recipient
  sort_us integer not null,
  subject_aid integer,
  subject_rkey text,
  primary key (author_aid, rkey, reason, aid)
) without rowid;
create index notice_by_recipient on notice (aid, sort_us, author_aid, reason, rkey);

-- How far an account has read its notifications. Not from the network: a rebuild cannot bring it back.
create table seen (
  aid integer primary key,
  seen_us integer not null
);

-- How far each upstream has been read; written in the transaction of what was read.
create table cursor (
  source text primary key,
  seq integer not null
);

-- While a repo is being fetched: what its stream changed meanwhile, which the fetched copy must not undo.
create table fresh_path (
  aid integer not null,
  path text not null,
  rev text not null,
  primary key (aid, path)
) without rowid;

-- The service's own identity: did and keys.
create table setting (
  name text primary key,
  value text not null
);
