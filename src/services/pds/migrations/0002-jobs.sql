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
