-- Accounts by number. One that was deleted loses its DID at once; what is left of it is removed in
-- pieces, and an account that begins anew under the DID is another row.
create table actor (
  aid integer primary key,
  did text unique,
  handle text,                              -- as its DID document claims
  status text,                              -- why it is hidden; null when active
  rev text,                                 -- newest commit applied
  name text not null default '',            -- of its profile, as written
  about text not null default '',
  handle_due_ms integer,                    -- when the DID document is to be looked up; null: known
  handle_failures integer not null default 0
);
create index actor_by_handle on actor (handle) where handle is not null;
create index actor_by_due on actor (handle_due_ms) where handle_due_ms is not null;
create index actor_gone on actor (aid) where did is null;

-- A post's number is its place in time: the microsecond of the earlier of createdAt and first sight,
-- moved a little where that is taken. So the newest hits come first by walking the numbers.
create table post (
  pid integer primary key,
  aid integer not null,
  rkey text not null
);
create unique index post_by_path on post (aid, rkey);

-- Words are split and folded before they come here (text/): the engine parts them at spaces only.
-- Nothing but the index is kept; rows are numbered by pid and aid.
create virtual table post_text using fts5(
  text, alt, facets,
  content = '', contentless_delete = 1,
  tokenize = "unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'"
);
create virtual table actor_text using fts5(
  handle, name, about,
  content = '', contentless_delete = 1, prefix = '1 2 3',
  tokenize = "unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'"
);

-- How far each upstream has been read: a seq of a relay, microseconds of a jetstream. Written in the
-- transaction of what was read.
create table cursor (
  source text primary key,
  position integer not null
);
