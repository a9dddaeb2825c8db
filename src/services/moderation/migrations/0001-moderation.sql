create table setting (
  name text primary key,
  value text not null
);

-- What reports and decisions are about, with where it stands now: a projection of its events.
create table subject (
  id integer primary key autoincrement,
  -- the DID of an account or the AT-URI of a record
  key text not null unique,
  did text not null,
  -- of a record
  collection text,
  cid text,
  -- none, open, escalated, closed
  review_state text not null default 'none',
  takendown integer not null default 0,
  -- the event that took it down
  takedown_event bigint,
  -- blobs that go down and come back with it, JSON
  blob_cids text not null default '[]',
  suspend_until_ms bigint,
  -- what the host of the account did with it: waiting, done, label (it is not ours to ask), failed
  carried_out text,
  appealed integer not null default 0,
  comment text,
  reports integer not null default 0,
  -- 0: never
  last_reported_ms bigint not null default 0,
  last_reviewed_ms bigint not null default 0,
  last_reviewed_by text,
  last_appealed_ms bigint,
  created_ms bigint not null,
  updated_ms bigint not null
);
create index subject_by_state on subject (review_state, last_reported_ms, id);
create index subject_by_reported on subject (last_reported_ms, id);
create index subject_by_reviewed on subject (last_reviewed_ms, id);
create index subject_by_did on subject (did, id);

-- Reports and decisions. Only ever appended.
create table event (
  id integer primary key autoincrement,
  subject_id bigint not null references subject (id),
  -- the version of the record that was meant
  cid text,
  -- modEventReport, modEventTakedown, …
  type text not null,
  -- the event as the lexicon has it, JSON
  body text not null,
  blob_cids text not null default '[]',
  created_by text not null,
  created_ms bigint not null,
  external_id text
);
create index event_by_subject on event (subject_id, id);
create index event_by_author on event (created_by, type, created_ms);
create index event_by_type on event (type, id);
create unique index event_external on event (subject_id, type, external_id)
  where external_id is not null;

-- Every label that was said. `newest`: of its subject and value.
create table label (
  id integer primary key autoincrement,
  event_id bigint not null references event (id),
  uri text not null,
  val text not null,
  neg integer not null,
  exp_ms bigint,
  newest integer not null default 1,
  -- signed, DAG-CBOR
  bytes blob not null
);
create unique index label_newest on label (uri, val) where newest = 1;

create table jobs (
  kind text not null,
  key text not null,
  payload text not null,
  state text not null default 'waiting', -- waiting, done, failed
  run_at bigint not null,
  attempts integer not null default 0,
  last_error text,
  progress text,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (kind, key)
);
create index jobs_due on jobs (run_at) where state = 'waiting';
