-- Companies, customers and sales invoices. The company comes first in every key. A row keeps the
-- entity's JSON as it is answered, beside the columns that are searched, ordered or kept unique.
-- `version` counts an entity's changes; `incarnation` tells apart two that had the same id in turn.

CREATE TABLE company (
  id BLOB NOT NULL PRIMARY KEY,
  tenant_id BLOB NOT NULL,
  body TEXT NOT NULL,
  last_customer_number INTEGER NOT NULL DEFAULT 0,
  last_sales_invoice_number INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID, STRICT;

CREATE INDEX company_by_tenant ON company (tenant_id, id);

CREATE TABLE customer (
  company_id BLOB NOT NULL REFERENCES company (id),
  id BLOB NOT NULL,
  version INTEGER NOT NULL,
  incarnation INTEGER NOT NULL,
  number_fold TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (company_id, id)
) WITHOUT ROWID, STRICT;

CREATE UNIQUE INDEX customer_by_number ON customer (company_id, number_fold);

CREATE TABLE sales_invoice (
  company_id BLOB NOT NULL REFERENCES company (id),
  id BLOB NOT NULL,
  version INTEGER NOT NULL,
  incarnation INTEGER NOT NULL,
  customer_id BLOB,
  body TEXT NOT NULL,
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id)
) WITHOUT ROWID, STRICT;

CREATE INDEX sales_invoice_by_customer ON sales_invoice (company_id, customer_id)
  WHERE customer_id IS NOT NULL;
