-- Companies, customers, sales invoices, the record of changes, and the answers that are given again
-- to requests sent again. The company comes first in every key, so that a company can be a shard. A
-- row keeps the entity's JSON as it is answered, beside the columns that are searched, ordered or kept
-- unique. `version` counts an entity's changes; `incarnation` tells apart two that had the same id in
-- turn. References are kept by the locks of the server's transactions.

CREATE TABLE company (
  id uuid NOT NULL PRIMARY KEY,
  tenant_id uuid NOT NULL,
  body text NOT NULL,
  last_customer_number bigint NOT NULL DEFAULT 0,
  last_sales_invoice_number bigint NOT NULL DEFAULT 0
);

CREATE INDEX company_by_tenant ON company (tenant_id, id);

CREATE TABLE customer (
  company_id uuid NOT NULL,
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  version bigint NOT NULL,
  incarnation bigint NOT NULL,
  number_fold text NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (company_id, id)
);

CREATE UNIQUE INDEX customer_by_number ON customer (company_id, number_fold);

CREATE TABLE sales_invoice (
  company_id uuid NOT NULL,
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  version bigint NOT NULL,
  incarnation bigint NOT NULL,
  customer_id uuid,
  body text NOT NULL,
  PRIMARY KEY (company_id, id)
);

CREATE INDEX sales_invoice_by_customer ON sales_invoice (company_id, customer_id)
  WHERE customer_id IS NOT NULL;

CREATE TABLE audit (
  company_id uuid NOT NULL,
  entity_id uuid NOT NULL,
  incarnation bigint NOT NULL,
  version bigint NOT NULL,
  tenant_id uuid NOT NULL,
  at bigint NOT NULL,
  actor text NOT NULL,
  request_id uuid NOT NULL,
  action text NOT NULL,
  entity text NOT NULL,
  properties text NOT NULL,
  PRIMARY KEY (company_id, entity_id, incarnation, version)
);

CREATE TABLE idempotency (
  company_id uuid NOT NULL,
  key bytea NOT NULL,
  tenant_id uuid NOT NULL,
  fingerprint bytea NOT NULL,
  at bigint NOT NULL,
  replayed_at bigint,
  id uuid NOT NULL,
  etag text NOT NULL,
  base_url text NOT NULL,
  minimal boolean NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (company_id, key)
);

CREATE INDEX idempotency_by_age ON idempotency (company_id, at);

-- The second wall between tenants: whatever a statement asks for, rows of another tenant than the
-- transaction's are not there, and without a tenant none are. It holds for the tables' owner too.

ALTER TABLE company ENABLE ROW LEVEL SECURITY;
ALTER TABLE company FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON company
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));

ALTER TABLE customer ENABLE ROW LEVEL SECURITY;
ALTER TABLE customer FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON customer
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));

ALTER TABLE sales_invoice ENABLE ROW LEVEL SECURITY;
ALTER TABLE sales_invoice FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON sales_invoice
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));

ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));

ALTER TABLE idempotency ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON idempotency
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));

-- What the servers' role may do. It owns nothing, and can neither change nor delete the record of
-- changes.

GRANT SELECT, INSERT, UPDATE ON company TO debitor_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON customer TO debitor_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON sales_invoice TO debitor_service;
GRANT SELECT, INSERT ON audit TO debitor_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency TO debitor_service;
