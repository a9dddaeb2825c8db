-- People who operate the host, each with a secret of their own.
create table operators (
  name text primary key,
  -- admin, moderator, support, viewer
  role text not null,
  -- sha-256: secrets are made here, from 160 random bits
  secret_hash blob not null,
  created_ms integer not null,
  created_by text not null,
  revoked_ms integer,
  last_seen_ms integer
);

-- Every call that an operator made, by whatever name; the oldest go first.
create table audit (
  id integer primary key autoincrement,
  at_ms integer not null,
  operator text not null,
  role text not null,
  method text not null,
  subject text,
  detail text,
  -- 'ok' or the name of an error; null while it is under way, or when the host stopped
  outcome text
);
create index audit_operator on audit (operator, id);
create index audit_subject on audit (subject, id) where subject is not null;
