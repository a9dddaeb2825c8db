-- What the vault gave back to itself, to know that it can.
create table drill (
  id integer primary key,
  started_ms integer not null,
  ended_ms integer not null,
  accounts integer not null,
  failed integer not null,
  records integer not null,
  blobs integer not null
);
create table drill_account (
  id integer not null,
  did text not null,
  rev text not null,                       -- the state that was given back
  time_ms integer not null,                -- and of when it was
  records integer not null,
  blobs integer not null,
  problem text,                            -- null: whole
  primary key (id, did)
) without rowid;
