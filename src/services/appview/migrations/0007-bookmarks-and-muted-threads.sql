-- What accounts put aside for themselves. Like mutes, nobody else knows, and no rebuild brings it back.
create table bookmark (
  aid integer not null,
  subject_aid integer not null,
  subject_rkey text not null,
  subject_cid text not null,
  created_us integer not null,
  primary key (aid, subject_aid, subject_rkey)
) without rowid;
create index bookmark_by_time on bookmark (aid, created_us, subject_aid, subject_rkey);
create index bookmark_by_subject on bookmark (subject_aid, subject_rkey);
alter table subject_count add column bookmarks integer not null default 0;

-- Threads an account does not want to hear of, by the post they began with.
create table thread_mute (
  aid integer not null,
  root_aid integer not null,
  root_rkey text not null,
  primary key (aid, root_aid, root_rkey)
) without rowid;
