-- Invite codes as the operator and their owners see them: for whom, by whom, used by whom.
alter table invite_codes add column available integer not null default 1;
alter table invite_codes add column used_count integer not null default 0;
alter table invite_codes add column disabled integer not null default 0;
-- a DID, or 'admin'
alter table invite_codes add column for_account text not null default 'admin';
alter table invite_codes add column created_by text not null default 'admin';
update invite_codes set available = uses_left;
alter table invite_codes drop column uses_left;
create index invite_codes_account on invite_codes (for_account, created_ms);
create index invite_codes_recent on invite_codes (created_ms, code);
create index invite_codes_usage on invite_codes (used_count, code);

create table invite_uses (
  code text not null,
  used_by text not null,
  used_ms integer not null,
  primary key (code, used_by, used_ms)
);
create index invite_uses_account on invite_uses (used_by);

-- Whether an account's own invite codes are stopped, and why, in the operator's words.
alter table accounts add column invites_disabled integer not null default 0;
alter table accounts add column invite_note text;

-- Handles nobody may sign up with, beside those that are reserved everywhere.
create table reserved_handles (
  handle text primary key,
  created_ms integer not null
);
