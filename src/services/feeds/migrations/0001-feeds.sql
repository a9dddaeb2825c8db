-- What the feeds need of the network: who follows whom, recent posts, and their likes.
CREATE TABLE actors (
  aid INTEGER PRIMARY KEY,
  did TEXT NOT NULL UNIQUE,
  -- 0 while the account is not active: its posts are left out
  active INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE follows (
  aid INTEGER NOT NULL,
  rkey TEXT NOT NULL,
  subject INTEGER NOT NULL,
  PRIMARY KEY (aid, rkey)
) WITHOUT ROWID;
CREATE INDEX follows_subject ON follows (aid, subject);

CREATE TABLE posts (
  aid INTEGER NOT NULL,
  rkey TEXT NOT NULL,
  -- min(created, indexed): nobody stays on top by a date in the future
  sort_ms INTEGER NOT NULL,
  has_images INTEGER NOT NULL,
  is_reply INTEGER NOT NULL,
  likes INTEGER NOT NULL DEFAULT 0,
  -- grows with likes and with lateness, so that it never has to be computed again; null without likes
  rank REAL,
  PRIMARY KEY (aid, rkey)
) WITHOUT ROWID;
CREATE INDEX posts_time ON posts (sort_ms DESC, aid DESC, rkey DESC);
CREATE INDEX posts_images ON posts (sort_ms DESC, aid DESC, rkey DESC) WHERE has_images = 1;
CREATE INDEX posts_rank ON posts (rank DESC, aid DESC, rkey DESC) WHERE rank IS NOT NULL;

-- By the like's own key, since a deletion names nothing else.
CREATE TABLE likes (
  aid INTEGER NOT NULL,
  rkey TEXT NOT NULL,
  post_aid INTEGER NOT NULL,
  post_rkey TEXT NOT NULL,
  sort_ms INTEGER NOT NULL,
  PRIMARY KEY (aid, rkey)
) WITHOUT ROWID;
CREATE INDEX likes_post ON likes (post_aid, post_rkey, aid);
CREATE INDEX likes_time ON likes (sort_ms);

CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
