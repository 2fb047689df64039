-- Whose answers to requests sent again were looked through last, and when, so that old ones go also
-- where nobody sends any more requests. The server that does so sees which tenants there are, and
-- nothing else of them; whatever does a tenant's work sees that tenant alone.

CREATE TABLE tenant (
  tenant_id uuid NOT NULL PRIMARY KEY,
  looked_at bigint NOT NULL DEFAULT 0
);

ALTER TABLE company NO FORCE ROW LEVEL SECURITY;
INSERT INTO tenant (tenant_id) SELECT DISTINCT tenant_id FROM company;
ALTER TABLE company FORCE ROW LEVEL SECURITY;

ALTER TABLE tenant ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tenant
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid)
    OR (SELECT current_setting('app.upkeep', true)) = 'on');

GRANT SELECT, INSERT, UPDATE ON tenant TO debitor_service;
