-- What an owner may read of an account that is not in its repository: each state that differs from the one before.
create table private_state (
  id integer primary key,
  aid integer not null,
  time_ms integer not null,
  hash blob not null,                      -- of what is compared
  bytes blob not null,                     -- compressed, sealed with the account's key
  size integer not null                    -- unpacked
);
create unique index private_state_by_account on private_state (aid, time_ms);
alter table account add column private_ms integer;       -- when its host was last asked for it
alter table account add column private_problem text;     -- why that gave nothing; null: it gave it
