-- Whose records are kept where those of everybody are not: 0 being forgotten, 1 a member, 2 somebody whom
-- a member follows or answers, 3 looked up for somebody.
create table scope_account (
  aid integer primary key,
  kind integer not null,
  source text not null,                 -- of a member: its host, its list, or its own DID
  touched_ms integer not null           -- when a member or a reader last had to do with it
);
create index scope_account_by_time on scope_account (touched_ms) where kind > 1;
