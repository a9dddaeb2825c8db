-- Accounts of whose posts an account wants to be told, from a moment on. What they post is looked up
-- when notifications are read, so that who has very many of these posts as cheaply as anybody.
create table activity_subscription (
  aid integer not null,
  subject_aid integer not null,
  posts integer not null,
  replies integer not null,
  created_us integer not null,
  primary key (aid, subject_aid)
) without rowid;
create index activity_subscription_by_time on activity_subscription (aid, created_us, subject_aid);
