-- Accounts are interned: `aid` stands for a DID in every other table. A row exists as soon as
-- anybody refers to the DID, so likes before posts and follows before profiles are normal.
create table actor (
  aid integer primary key,
  did text not null unique,
  handle text,                          -- verified both ways; null: not verified (yet)
  handle_due_ms integer not null,       -- when to look at the DID document (again)
  handle_failures integer not null,     -- tries in a row without an answer
  status text,                          -- null: active; else why not (deactivated, takendown, …)
  rev text,                             -- newest commit applied; null: no repo seen
  repair text,                          -- why a job is fetching the repo; null: in step
  indexed_ms integer not null
);
create index actor_by_handle on actor (handle) where handle is not null;
create index actor_by_handle_due on actor (handle_due_ms);

create table profile (
  aid integer primary key,
  rkey text not null,                   -- always self
  cid blob not null,
  body text not null,
  indexed_ms integer not null
);

create table actor_count (
  aid integer primary key,
  followers integer not null,
  follows integer not null,
  posts integer not null
);

create table post (
  aid integer not null,
  rkey text not null,
  cid blob not null,
  body text not null,                   -- the record as JSON, ready to send
  sort_us integer not null,             -- the earlier of createdAt and first sight
  indexed_ms integer not null,
  root_aid integer,
  root_rkey text,
  parent_aid integer,
  parent_rkey text,
  quote_aid integer,
  quote_rkey text,
  primary key (aid, rkey)
);
create index post_by_parent on post (parent_aid, parent_rkey, sort_us) where parent_aid is not null;

-- What an account put into feeds: its posts (kind 0) and reposts (kind 1).
create table feed_item (
  aid integer not null,
  sort_us integer not null,
  kind integer not null,
  rkey text not null,
  subject_aid integer not null,         -- the post: itself, or the reposted one
  subject_rkey text not null,
  flags integer not null,               -- 1 reply, 2 media, 4 video, 8 reply in the author's own thread
  primary key (aid, sort_us, kind, rkey)
) without rowid;

-- Edges. `subject` is the record key of a post, or collection/rkey of anything else. Of several
-- edges from one account to one subject exactly one has counted = 1: the one that is shown and counted.
-- `body` holds the record only when the columns cannot give it back.
create table feed_like (
  aid integer not null,
  rkey text not null,
  subject_aid integer not null,
  subject text not null,
  subject_cid text not null,
  cid blob not null,
  created_at text not null,
  sort_us integer not null,
  counted integer not null,
  body text,
  primary key (aid, rkey)
) without rowid;
create unique index feed_like_by_pair on feed_like (aid, subject_aid, subject) where counted = 1;
create index feed_like_spare on feed_like (aid, subject_aid, subject) where counted = 0;
create index feed_like_by_subject on feed_like (subject_aid, subject, sort_us, aid, rkey) where counted = 1;

create table repost (
  aid integer not null,
  rkey text not null,
  subject_aid integer not null,
  subject text not null,
  subject_cid text not null,
  cid blob not null,
  created_at text not null,
  sort_us integer not null,
  counted integer not null,
  body text,
  primary key (aid, rkey)
) without rowid;
create unique index repost_by_pair on repost (aid, subject_aid, subject) where counted = 1;
create index repost_spare on repost (aid, subject_aid, subject) where counted = 0;
create index repost_by_subject on repost (subject_aid, subject, sort_us, aid, rkey) where counted = 1;

create table follow (
  aid integer not null,
  rkey text not null,
  subject_aid integer not null,
  cid blob not null,
  created_at text not null,
  sort_us integer not null,
  counted integer not null,
  body text,
  primary key (aid, rkey)
) without rowid;
create unique index follow_by_pair on follow (aid, subject_aid) where counted = 1;
create index follow_spare on follow (aid, subject_aid) where counted = 0;
create index follow_by_subject on follow (subject_aid, sort_us, aid, rkey) where counted = 1;

create table block (
  aid integer not null,
  rkey text not null,
  subject_aid integer not null,
  cid blob not null,
  created_at text not null,
  sort_us integer not null,
  counted integer not null,
  body text,
  primary key (aid, rkey)
) without rowid;
create unique index block_by_pair on block (aid, subject_aid) where counted = 1;
create index block_spare on block (aid, subject_aid) where counted = 0;

-- Counts of a post, or of another record when `subject` is collection/rkey.
create table subject_count (
  aid integer not null,
  subject text not null,
  likes integer not null,
  reposts integer not null,
  replies integer not null,
  quotes integer not null,
  primary key (aid, subject)
) without rowid;

-- Collections that are kept as they are: threadgates, postgates.
create table record (
  aid integer not null,
  collection text not null,
  rkey text not null,
  cid blob not null,
  body text not null,
  indexed_ms integer not null,
  primary key (aid, collection, rkey)
) without rowid;
