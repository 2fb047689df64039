-- Customers and sales invoices as ordinary tables: their rows are about 1 KB, of which a table
-- WITHOUT ROWID has four on a page at every level, so that a million lie ten pages deep. References
-- are not enforced while a migration runs, and are checked before it ends.

CREATE TABLE new_customer (
  row INTEGER PRIMARY KEY,
  company_id BLOB NOT NULL REFERENCES company (id),
  id BLOB NOT NULL,
  version INTEGER NOT NULL,
  incarnation INTEGER NOT NULL,
  number_fold TEXT NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (company_id, id)
) STRICT;

INSERT INTO new_customer (company_id, id, version, incarnation, number_fold, body)
SELECT company_id, id, version, incarnation, number_fold, body FROM customer ORDER BY company_id, id;

CREATE TABLE new_sales_invoice (
  row INTEGER PRIMARY KEY,
  company_id BLOB NOT NULL REFERENCES company (id),
  id BLOB NOT NULL,
  version INTEGER NOT NULL,
  incarnation INTEGER NOT NULL,
  customer_id BLOB,
  body TEXT NOT NULL,
  UNIQUE (company_id, id),
  FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id)
) STRICT;

INSERT INTO new_sales_invoice (company_id, id, version, incarnation, customer_id, body)
SELECT company_id, id, version, incarnation, customer_id, body FROM sales_invoice
ORDER BY company_id, id;

DROP TABLE sales_invoice;
DROP TABLE customer;
ALTER TABLE new_customer RENAME TO customer;
ALTER TABLE new_sales_invoice RENAME TO sales_invoice;

CREATE UNIQUE INDEX customer_by_number ON customer (company_id, number_fold);

CREATE INDEX sales_invoice_by_customer ON sales_invoice (company_id, customer_id)
  WHERE customer_id IS NOT NULL;

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
