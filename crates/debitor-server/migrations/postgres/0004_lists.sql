-- What `$filter`, `$orderby` and `$search` need. `fold` has the values that lists compare where SQL
-- cannot read them from the body in a simple way, which is seldom. The words of customers stand in a
-- table of their own, but for numbers that are one word: those are looked up by their own index, whose
-- order is that of the bytes whatever the database's own is.

ALTER TABLE company ADD COLUMN fold jsonb;
ALTER TABLE customer ADD COLUMN fold jsonb;
ALTER TABLE sales_invoice ADD COLUMN fold jsonb;

DROP INDEX customer_by_number;
CREATE UNIQUE INDEX customer_by_number ON customer (company_id, number_fold text_pattern_ops);

CREATE TABLE customer_word (
  company_id uuid NOT NULL,
  word bytea NOT NULL,
  customer_id uuid NOT NULL,
  tenant_id uuid NOT NULL
);

CREATE INDEX customer_word_by_word ON customer_word (company_id, word, customer_id);

ALTER TABLE customer_word ENABLE ROW LEVEL SECURITY;
ALTER TABLE customer_word FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON customer_word
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));

GRANT SELECT, INSERT, DELETE ON customer_word TO debitor_service;
