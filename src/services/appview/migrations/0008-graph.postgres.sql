-- As the other of this name, without bringing rows over: none are older than this engine.
-- What a list is for, beside its kept record: 1 moderation, 2 curation, 3 reference, 0 anything else.
create table user_list (
  aid integer not null,
  rkey text not null,
  purpose integer not null,
  primary key (aid, rkey)
) without rowid;
create index user_list_by_purpose on user_list (aid, purpose, rkey);

-- How many belong to a thing of an account (collection/rkey): items of a list, people who joined by a
-- starter pack.
create table item_count (
  aid integer not null,
  subject text not null,
  items integer not null,
  primary key (aid, subject)
) without rowid;
create index starter_pack_by_joined on item_count (items desc, aid, subject)
  where subject >= 'app.bsky.graph.starterpack/' and subject < 'app.bsky.graph.starterpack0';

-- Blocks of everybody on a list. Each row is a record; several of one list are one block.
create table list_block (
  aid integer not null,
  rkey text not null,
  list_aid integer not null,
  list_rkey text not null,
  cid blob not null,
  primary key (aid, rkey)
) without rowid;
create index list_block_by_pair on list_block (aid, list_aid, list_rkey, rkey);
create index list_block_by_list on list_block (list_aid, list_rkey, aid);

-- Accounts that do not want to be shown on somebody's reference list.
create table list_opt_out (
  aid integer not null,
  rkey text not null,
  list_aid integer not null,
  list_rkey text not null,
  cid blob not null,
  primary key (aid, rkey)
) without rowid;
create index list_opt_out_by_list on list_opt_out (list_aid, list_rkey, aid, rkey);

-- An account says of another that it is who its handle and name say. Holds while both are the same.
create table verification (
  aid integer not null,
  rkey text not null,
  subject_aid integer not null,
  handle text not null,
  display_name text not null,
  created_at text not null,
  cid blob not null,
  primary key (aid, rkey)
) without rowid;
create index verification_by_subject on verification (subject_aid, aid, rkey);

-- By which starter pack an account came, as its profile says.
create table pack_join (
  aid integer primary key,
  pack_aid integer not null,
  pack_rkey text not null,
  sort_us integer not null
);
create index pack_join_by_pack on pack_join (pack_aid, pack_rkey, sort_us);

-- Tags of posts of the last days, folded; older rows go.
create table tag_use (
  aid integer not null,
  rkey text not null,
  tag text not null,
  sort_us integer not null,
  primary key (aid, rkey, tag)
) without rowid;
create index tag_use_by_time on tag_use (sort_us, aid, tag);

-- Records that cannot be indexed, and why: the newest of them.
create table dead_letter (
  id integer primary key,
  aid integer not null,
  path text not null,
  cid blob,
  reason text not null,                 -- undecodable, invalid, unusable, failed
  detail text not null,
  seen_ms integer not null,
  unique (aid, path)
);

-- What an account has published.
alter table actor_count add column lists integer not null default 0;
alter table actor_count add column feeds integer not null default 0;
alter table actor_count add column packs integer not null default 0;
create index actor_by_followers on actor_count (followers desc, aid);
create index generator_by_likes on subject_count (likes desc, aid, subject)
  where subject >= 'app.bsky.feed.generator/' and subject < 'app.bsky.feed.generator0';
