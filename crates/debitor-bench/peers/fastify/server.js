// Fastify + better-sqlite3, with schemas for requests and answers.
import { randomUUID } from "node:crypto";
import Database from "better-sqlite3";
import Fastify from "fastify";

const [port, folder] = process.argv.slice(2);
const db = new Database(`${folder}/customers.db`);
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");

const text = { type: ["string", "null"] };
const properties = {
  displayName: { type: "string" }, type: text,
  address: {
    type: ["object", "null"],
    properties: {
      street: text, city: text, state: text, countryLetterCode: text, postalCode: text,
    },
  },
  phoneNumber: text, email: text, website: text, taxLiable: { type: ["boolean", "null"] },
  taxAreaId: text, taxRegistrationNumber: text, currencyId: text, currencyCode: text,
  paymentTermsId: text, shipmentMethodId: text, paymentMethodId: text, blocked: text,
  lastModifiedDateTime: text,
};
const NAMES = Object.keys(properties);
const entity = {
  type: "object",
  properties: { "@odata.etag": { type: "string" }, id: { type: "string" }, ...properties },
};
const page = {
  type: "object",
  properties: { value: { type: "array", items: entity }, "@odata.nextLink": { type: "string" } },
};

const columns = NAMES.map((name) => `"${name}" ${name === "taxLiable" ? "INTEGER" : "TEXT"}`);
db.exec(`CREATE TABLE IF NOT EXISTS customer
  (id TEXT PRIMARY KEY, version INTEGER NOT NULL, ${columns.join(", ")})`);
const insert = db.prepare(`INSERT INTO customer (id, version, ${NAMES.join(", ")})
  VALUES (?, 1, ${NAMES.map(() => "?").join(", ")}) RETURNING *`);
const select = db.prepare("SELECT * FROM customer WHERE id = ?");
const list = db.prepare("SELECT * FROM customer WHERE id > ? ORDER BY id LIMIT ?");
const count = db.prepare("SELECT count(*) FROM customer").pluck();
const update = db.prepare(`UPDATE customer SET version = version + 1,
  ${NAMES.map((name) => `"${name}" = ?`).join(", ")} WHERE id = ? AND version = ? RETURNING *`);
const remove = db.prepare("DELETE FROM customer WHERE id = ? AND version = ?");

const values = (body) => NAMES.map((name) => {
  if (name === "address") return body.address ? JSON.stringify(body.address) : null;
  if (name === "taxLiable") return body.taxLiable == null ? null : Number(body.taxLiable);
  if (name === "lastModifiedDateTime") return new Date().toISOString();
  return body[name] ?? null;
});
const customer = ({ version, ...row }) => ({
  "@odata.etag": `W/"${version}"`,
  ...row,
  address: row.address && JSON.parse(row.address),
  taxLiable: row.taxLiable === null ? null : row.taxLiable === 1,
});
const version = (request) => Number(request.headers["if-match"]?.match(/^W\/"(\d+)"$/)?.[1] ?? -1);

const app = Fastify();
const body = { type: "object", properties };
app.post("/customers", {
  schema: { body: { ...body, required: ["displayName"] }, response: { 201: entity } },
}, (request, reply) => {
  reply.code(201).send(customer(insert.get(randomUUID(), values(request.body))));
});
app.get("/customers", { schema: { response: { 200: page } } }, (request, reply) => {
  const top = Number(request.query.$top ?? 20);
  const value = list.all(request.query.$skiptoken ?? "", top).map(customer);
  if (value.length < top) return reply.send({ value });
  const next = `/customers?$top=${top}&$skiptoken=${value[top - 1].id}`;
  return reply.send({ value, "@odata.nextLink": next });
});
app.get("/customers/$count", (request, reply) => reply.send(String(count.get())));
app.get("/customers/:id", { schema: { response: { 200: entity } } }, (request, reply) => {
  const row = select.get(request.params.id);
  if (!row) return reply.code(404).send();
  return reply.send(customer(row));
});
app.patch("/customers/:id", { schema: { body, response: { 200: entity } } }, (request, reply) => {
  const { id } = request.params;
  const row = select.get(id);
  if (!row) return reply.code(404).send();
  const changed = update.get(values({ ...customer(row), ...request.body }), id, version(request));
  return changed ? reply.send(customer(changed)) : reply.code(412).send();
});
app.delete("/customers/:id", (request, reply) => {
  const { changes } = remove.run(request.params.id, version(request));
  return reply.code(changes ? 204 : 412).send();
});

await app.listen({ port: Number(port), host: "127.0.0.1" });
