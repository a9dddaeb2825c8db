-- What accounts have begun to write, as JSON.
create table draft (
  aid integer not null,
  id text not null,                     -- a TID
  bytes integer not null,               -- of the body
  created_ms integer not null,
  updated_ms integer not null,
  body text not null,
  primary key (aid, id)
);
create index draft_by_update on draft (aid, updated_ms, id, bytes);
