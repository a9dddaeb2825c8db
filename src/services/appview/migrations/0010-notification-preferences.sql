-- What an account wants to be told, where it said so.
create table notice_preference (
  aid integer primary key,
  priority integer not null,            -- 1: only by those it follows, where a client does not say
  body text not null                    -- members of app.bsky.notification.defs#preferences that were set
);

-- Devices that wish to be told at once. Nothing here tells them: who does is another service.
create table push_token (
  aid integer not null,
  platform text not null,
  app_id text not null,
  token text not null,
  age_restricted integer not null,
  created_ms integer not null,
  primary key (aid, platform, app_id, token)
) without rowid;
