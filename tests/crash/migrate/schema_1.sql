-- A store as a server of schema 1 left it, dumped as text.
PRAGMA journal_mode = WAL;
PRAGMA user_version = 1;
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
INSERT INTO company VALUES (X'D3B17041000040008000000000000003', X'D3B17041000040008000000000000001', '{"id":"d3b17041-0000-4000-8000-000000000003","name":"Debitor Demo GmbH","displayName":"Debitor Demo GmbH","systemVersion":null,"businessProfileId":null}', 2, 1);
INSERT INTO customer VALUES (X'D3B17041000040008000000000000003', X'01A2042EE2947154B14F7AB427C4BD5A', 1, 2509678432, 'c00010', '{"@odata.etag":"W/\"1-9596a760\"","id":"01a2042e-e294-7154-b14f-7ab427c4bd5a","number":"C00010","displayName":"Nordhafen Maschinenbau GmbH","type":"Company","address":{"street":null,"city":"Hamburg","state":null,"countryLetterCode":null,"postalCode":null},"phoneNumber":null,"email":null,"website":null,"taxLiable":false,"taxAreaId":null,"taxAreaDisplayName":null,"taxRegistrationNumber":null,"currencyId":null,"currencyCode":null,"paymentTermsId":null,"shipmentMethodId":null,"paymentMethodId":null,"blocked":null,"lastModifiedDateTime":"2026-11-22T16:55:11.252Z"}');
INSERT INTO customer VALUES (X'D3B17041000040008000000000000003', X'0B6C1F6E52A44D119A503C9F4A5D7E01', 1, 726819738, 'k-7', '{"@odata.etag":"W/\"1-2b52639a\"","id":"0b6c1f6e-52a4-4d11-9a50-3c9f4a5d7e01","number":"K-7","displayName":"Bäckerei Jansen","type":"Company","address":null,"phoneNumber":null,"email":null,"website":null,"taxLiable":false,"taxAreaId":null,"taxAreaDisplayName":null,"taxRegistrationNumber":null,"currencyId":null,"currencyCode":null,"paymentTermsId":null,"shipmentMethodId":null,"paymentMethodId":null,"blocked":null,"lastModifiedDateTime":"2026-11-22T16:55:11.361Z"}');
INSERT INTO customer VALUES (X'D3B17041000040008000000000000003', X'0B6C1F6E52A44D119A503C9F4A5D7E02', 2, 1010160566, 'c00020', '{"@odata.etag":"W/\"2-3c35d3b6\"","id":"0b6c1f6e-52a4-4d11-9a50-3c9f4a5d7e02","number":"C00020","displayName":"Werft","type":"Company","address":null,"phoneNumber":null,"email":"post@werft.example","website":null,"taxLiable":false,"taxAreaId":null,"taxAreaDisplayName":null,"taxRegistrationNumber":null,"currencyId":null,"currencyCode":null,"paymentTermsId":null,"shipmentMethodId":null,"paymentMethodId":null,"blocked":null,"lastModifiedDateTime":"2026-11-22T16:55:11.390Z"}');
INSERT INTO sales_invoice VALUES (X'D3B17041000040008000000000000003', X'D3B17041000040008000000000000004', 2, 1242784462, X'01A2042EE2947154B14F7AB427C4BD5A', '{"@odata.etag":"W/\"2-4a1362ce\"","id":"d3b17041-0000-4000-8000-000000000004","number":"S00010","invoiceDate":"2026-11-22","dueDate":"2026-12-22","customerId":"01a2042e-e294-7154-b14f-7ab427c4bd5a","customerNumber":"C00010","customerName":"Nordhafen Maschinenbau GmbH","status":"Draft","currencyCode":"EUR","lastModifiedDateTime":"2026-11-22T16:55:11.253Z"}');
