-- Hosts whose events are read. `seq` is written in the transaction of what was read.
create table host (
  url text primary key,
  whole integer not null default 0,        -- every account of it is kept
  seq integer not null default 0,
  listed text                              -- how far its accounts were listed; 'done'
);

-- Accounts by number. An account's key seals all that is kept of it: without it, nothing is read.
create table account (
  aid integer primary key,
  did text not null unique,
  host text not null,                      -- whose events of it are taken
  granted integer not null default 0,      -- its owner asked for it
  key blob,                                -- wrapped by the vault's key; null: erased
  state text not null default 'wanted',    -- wanted, kept, behind (something was missed), left, erased
  status text,                             -- what its host says of it; null: active
  status_ms integer,                       -- since when
  rev text,
  data blob,                               -- root of the tree of the newest commit kept
  checked_ms integer                       -- when its packs and instants were last put in order
);
create index account_by_host on account (host, aid);

-- Signed states. `linked`: every block of it is here; else it came while something before was missing.
create table instant (
  aid integer not null,
  rev text not null,
  time_ms integer not null,                -- when its host acknowledged it
  cid blob not null,                       -- of the commit
  data blob not null,
  prev blob,                               -- the tree it follows
  key text not null,                       -- did:key that signed it
  linked integer not null,
  primary key (aid, rev)
) without rowid;
create index instant_by_time on instant (aid, time_ms);

-- Blocks lie in packs, each compressed and sealed as a whole: here while small, then in the store.
create table pack (
  pid integer primary key,
  aid integer not null,
  bytes blob,                              -- null: in the store, under `file`
  file text,
  size integer not null,                   -- of its blocks, unpacked
  blocks integer not null                  -- how many it was made with
);
create index pack_by_account on pack (aid, pid);
create index pack_inline on pack (aid) where bytes is not null;
create table block (
  aid integer not null,
  cid blob not null,
  pid integer not null,
  primary key (aid, cid)
) without rowid;
create index block_by_pack on block (pid);

-- Which blobs a record mentions. Records are named by their content, so this never changes.
create table mention (
  aid integer not null,
  record blob not null,
  blob blob not null,
  primary key (aid, record, blob)
) without rowid;
create index mention_by_blob on mention (aid, blob);
create table blob (
  aid integer not null,
  cid blob not null,
  size integer not null,                   -- as the record says, then as it is
  state text not null,                     -- wanted, kept, missing (the host has none)
  primary key (aid, cid)
) without rowid;
create index blob_by_state on blob (aid, state);

-- What is to go from the store; named before the row that refers to it goes.
create table doomed (key text primary key);

create table setting (
  name text primary key,
  value text not null
);

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
