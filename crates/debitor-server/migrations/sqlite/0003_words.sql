-- The words of customers, for `$search` and for filters on the properties that have them (`words.rs`).
-- The text itself is not kept: the index has the words, each behind its company's number, and the rows
-- that have them. What is deleted is taken out of it at once, as it is out of the tables.

ALTER TABLE company ADD COLUMN row INTEGER;

UPDATE company SET row = numbered.row
FROM (SELECT id, row_number() OVER (ORDER BY id) AS row FROM company) AS numbered
WHERE numbered.id = company.id;

CREATE UNIQUE INDEX company_by_row ON company (row);

CREATE VIRTUAL TABLE customer_words USING fts5 (
  words, content = '', columnsize = 0, detail = none, tokenize = "ascii tokenchars '_'"
);

INSERT INTO customer_words (customer_words, rank) VALUES ('secure-delete', 1);
