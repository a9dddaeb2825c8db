-- Feeds that anybody publishes, the newest first.
create index record_by_collection on record (collection, indexed_ms desc, aid, rkey);
