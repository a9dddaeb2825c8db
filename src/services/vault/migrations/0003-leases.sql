-- Which host may write under a name. How long a term still runs is known to the running witness
-- alone: after a start it waits out a whole one.
create table lease (
  hostname text not null primary key,
  epoch integer not null,
  base integer not null,                   -- the newest epoch under which anything was written
  begun integer not null default 0,        -- 1: so may have been under this one
  claim text not null,                     -- made by who holds it
  term_ms integer not null,
  taken_ms integer not null,
  ended text                               -- null, released (by its holder), ending (by an operator)
);
