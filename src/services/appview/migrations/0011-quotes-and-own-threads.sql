-- Quotes of a post, the newest first.
create index post_by_quote on post (quote_aid, quote_rkey, sort_us, aid, rkey)
  where quote_aid is not null;

-- What an author added to threads of its own: the thread it made of its post.
create index post_by_own_root on post (aid, root_rkey, sort_us, rkey) where root_aid = aid;
