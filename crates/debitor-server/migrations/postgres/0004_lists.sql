-- What `$filter`, `$orderby` and `$search` need. `fold` has the values that lists compare where SQL
-- cannot read them from the body in a simple way, which is seldom. The words of customers stand in an
-- index of their own, but for numbers that are one word: those are looked up by their own index, whose
-- order is that of the bytes whatever the database's own is.

ALTER TABLE company ADD COLUMN fold jsonb;
ALTER TABLE customer ADD COLUMN fold jsonb;
ALTER TABLE sales_invoice ADD COLUMN fold jsonb;

DROP INDEX customer_by_number;
CREATE UNIQUE INDEX customer_by_number ON customer (company_id, number_fold text_pattern_ops);

-- How many customers a company has: counting rows reads them all.
ALTER TABLE company ADD COLUMN customers bigint NOT NULL DEFAULT 0;

-- The index of words: segments, each with the changes of some writes in the order of words, cut into
-- chunks. `first` is a chunk's first word, `place` its place in the segment; the chunk at place 0 says
-- how many bytes the segment has.
CREATE TABLE customer_words (
  company_id uuid NOT NULL,
  segment uuid NOT NULL,
  first bytea NOT NULL,
  place integer NOT NULL,
  tenant_id uuid NOT NULL,
  size bigint,
  postings bytea NOT NULL,
  PRIMARY KEY (company_id, segment, first, place)
);

CREATE INDEX customer_words_by_segment ON customer_words (company_id, segment) WHERE place = 0;

ALTER TABLE customer_words ENABLE ROW LEVEL SECURITY;
ALTER TABLE customer_words FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON customer_words
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));

GRANT SELECT, INSERT, UPDATE, DELETE ON customer_words TO debitor_service;
