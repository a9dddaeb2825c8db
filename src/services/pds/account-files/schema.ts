/** The tables of one account's file. One file holds everything of one account's repository. */
import type { Migration } from '#platform/storage'

/**
 * `records` holds each record once, keyed by path (`collection/rkey`) in the order of the tree; its
 * `block` is its CID and then its bytes, as a CAR has them: one column, as rows cost by the column.
 * `nodes` is the tree as of `head.nodes_root`, written lazily: when it is not the tree of
 * `head.data`, it is rebuilt from `records`. It stands in the order of a walk (see `NodePlace`), so that an
 * export is one scan of both. `rev` columns serve `since` exports at any age: what changed lies
 * below nodes that changed, so that a walk finds it without an index.
 * `blobs` are uploaded bytes, `blob_refs` the records that mention them; `idle_since_ms` is when the
 * last mention went, or the upload, and null while there is one.
 */
const TABLES = `
CREATE TABLE head (
  id INTEGER PRIMARY KEY CHECK (id = 0),
  applied_seq INTEGER NOT NULL,
  rev TEXT, cid BLOB, data BLOB, bytes BLOB,
  announced_rev TEXT,
  nodes_root BLOB
);
INSERT INTO head (id, applied_seq) VALUES (0, 0);
CREATE TABLE records (
  path TEXT PRIMARY KEY, rev TEXT NOT NULL, block BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE nodes (
  cid BLOB PRIMARY KEY, rev TEXT NOT NULL, bytes BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE blobs (
  cid BLOB PRIMARY KEY, mime_type TEXT NOT NULL, size INTEGER NOT NULL, uploaded_ms INTEGER NOT NULL,
  idle_since_ms INTEGER
) WITHOUT ROWID;
CREATE INDEX blobs_idle ON blobs (idle_since_ms) WHERE idle_since_ms IS NOT NULL;
CREATE TABLE blob_refs (
  cid BLOB NOT NULL, path TEXT NOT NULL, rev TEXT NOT NULL, PRIMARY KEY (cid, path)
) WITHOUT ROWID;
CREATE INDEX blob_refs_path ON blob_refs (path);
CREATE TABLE preferences (
  id INTEGER PRIMARY KEY CHECK (id = 0), sealed BLOB NOT NULL
);
`

/** Set while the network knows another tree of this repository than its head's predecessors: see `FileHead`. */
const DIVERGED = 'ALTER TABLE head ADD COLUMN diverged INTEGER NOT NULL DEFAULT 0'

const NODES_IN_ORDER = `
DROP TABLE nodes;
CREATE TABLE nodes (
  path TEXT NOT NULL, rank INTEGER NOT NULL, cid BLOB NOT NULL, rev TEXT NOT NULL, bytes BLOB NOT NULL,
  PRIMARY KEY (path, rank)
) WITHOUT ROWID;
CREATE UNIQUE INDEX nodes_cid ON nodes (cid);
UPDATE head SET nodes_root = NULL;
`

/** See `SubjectRows`: where records about a subject are, by a hash of its name. */
const SUBJECTS = `
CREATE TABLE subjects (
  subject BLOB NOT NULL, path TEXT NOT NULL, PRIMARY KEY (subject, path)
) WITHOUT ROWID;
CREATE TABLE subjects_noted (id INTEGER PRIMARY KEY CHECK (id = 0), upto TEXT NOT NULL);
INSERT INTO subjects_noted (id, upto) VALUES (0, '');
`

export const MIGRATIONS: readonly Migration[] = [
  { name: '0001-account-file', sql: TABLES },
  { name: '0002-diverged', sql: DIVERGED },
  { name: '0003-nodes-in-order', sql: NODES_IN_ORDER },
  { name: '0004-subjects', sql: SUBJECTS },
]
