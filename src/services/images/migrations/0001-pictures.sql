-- What is on the shelf: finished pictures by name, and when each was last asked for. Can be thrown away.
create table picture (
  name text primary key,                    -- preset/account/cid.form
  type text not null,                       -- media type
  bytes integer not null,
  checked_ms integer not null,              -- when its host last had the original
  used_ms integer not null                  -- to the hour
) without rowid;
create index picture_by_use on picture (used_ms);
