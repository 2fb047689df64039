-- Who may do what with a company: nothing (0), read it (1), or write it (2). What everyone of its tenant
-- may do stands in its own row; who is granted more stands here, a person by the token's subject or
-- whoever uses an app.

ALTER TABLE company ADD COLUMN everyone_may integer NOT NULL DEFAULT 2;

CREATE TABLE company_grant (
  company_id uuid NOT NULL,
  kind text NOT NULL,
  name text NOT NULL,
  tenant_id uuid NOT NULL,
  may integer NOT NULL,
  PRIMARY KEY (company_id, kind, name)
);

ALTER TABLE company_grant ENABLE ROW LEVEL SECURITY;
ALTER TABLE company_grant FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON company_grant
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));

GRANT SELECT, INSERT, UPDATE, DELETE ON company_grant TO debitor_service;

-- A company that is not open to everyone, to be written, is there only for a transaction that says that
-- it looks at grants. A server of an earlier schema never says so, and what needs no look at grants,
-- because most companies are open, does without.

CREATE POLICY grants ON company AS RESTRICTIVE
  USING (everyone_may = 2 OR (SELECT current_setting('app.grants', true)) = 'on');
