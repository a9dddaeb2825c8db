-- Labelers that are followed, and how far.
create table labeler (
  did text primary key,
  cursor integer not null
);

-- Labels that hold, signatures checked: the newest of its subject, source and value. One that was
-- taken back is gone.
create table label (
  uri text not null,
  src text not null,
  val text not null,
  cid text,                             -- only this version of the record is meant
  exp_ms integer,
  json text not null,                   -- as views show it, signature included
  primary key (uri, src, val)
) without rowid;
create index label_by_src on label (src);

-- Accounts that an account does not want to hear. Nobody else knows.
create table mute (
  aid integer not null,
  subject_aid integer not null,
  created_ms integer not null,
  primary key (aid, subject_aid)
) without rowid;
create index mute_by_time on mute (aid, created_ms, subject_aid);
