-- Who is on a list; the list itself is a kept record of the same account.
create table list_item (
  aid integer not null,
  rkey text not null,
  list_rkey text not null,
  subject_aid integer not null,
  cid blob not null,
  primary key (aid, rkey)
) without rowid;
create index list_item_by_list on list_item (aid, list_rkey, rkey, subject_aid);
create index list_item_by_subject on list_item (subject_aid, aid, list_rkey);

-- Lists whose members an account does not want to hear.
create table list_mute (
  aid integer not null,
  list_aid integer not null,
  list_rkey text not null,
  primary key (aid, list_aid, list_rkey)
) without rowid;
create index list_mute_by_list on list_mute (list_aid, list_rkey, aid);
