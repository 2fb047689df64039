-- The record of changes, and the answers that are given again to requests sent again. Both are
-- written in the transaction of the change itself. Neither has an index that a create would pay for,
-- but for the one that finds a key.

CREATE TABLE audit (
  sequence INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  tenant_id BLOB NOT NULL,
  company_id BLOB NOT NULL,
  actor TEXT NOT NULL,
  request_id BLOB NOT NULL,
  action TEXT NOT NULL,
  entity TEXT NOT NULL,
  entity_id BLOB NOT NULL,
  version INTEGER NOT NULL,
  incarnation INTEGER NOT NULL,
  properties TEXT NOT NULL
) STRICT;

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the record of changes is append-only'); END;

CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the record of changes is append-only'); END;

CREATE TABLE idempotency (
  record INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE,
  fingerprint BLOB NOT NULL,
  at INTEGER NOT NULL,
  replayed_at INTEGER,
  id BLOB NOT NULL,
  etag TEXT NOT NULL,
  base_url TEXT NOT NULL,
  minimal INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
