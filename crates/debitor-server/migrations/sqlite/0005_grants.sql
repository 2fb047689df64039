-- Who may do what with a company: nothing (0), read it (1), or write it (2). What everyone of its tenant
-- may do stands in its own row; who is granted more stands here, a person by the token's subject or
-- whoever uses an app.

ALTER TABLE company ADD COLUMN everyone_may INTEGER NOT NULL DEFAULT 2
  CHECK (everyone_may IN (0, 1, 2));

CREATE TABLE company_grant (
  company_id BLOB NOT NULL REFERENCES company (id),
  kind TEXT NOT NULL CHECK (kind IN ('subject', 'app')),
  name TEXT NOT NULL CHECK (name <> ''),
  may INTEGER NOT NULL CHECK (may IN (1, 2)),
  PRIMARY KEY (company_id, kind, name)
) WITHOUT ROWID, STRICT;
