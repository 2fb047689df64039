// Bun + Hono + bun:sqlite.
import { Database } from "bun:sqlite";
import { Hono } from "hono";

const [port, folder] = process.argv.slice(2);
const db = new Database(`${folder}/customers.db`, { create: true });
db.run("PRAGMA journal_mode = WAL");
db.run("PRAGMA synchronous = FULL");

const NAMES = [
  "displayName", "type", "address", "phoneNumber", "email", "website", "taxLiable", "taxAreaId",
  "taxRegistrationNumber", "currencyId", "currencyCode", "paymentTermsId", "shipmentMethodId",
  "paymentMethodId", "blocked", "lastModifiedDateTime",
];
const columns = NAMES.map((name) => `"${name}" ${name === "taxLiable" ? "INTEGER" : "TEXT"}`);
db.run(`CREATE TABLE IF NOT EXISTS customer
  (id TEXT PRIMARY KEY, version INTEGER NOT NULL, ${columns.join(", ")})`);

const places = NAMES.map(() => "?").join(", ");
const insert = db.query(`INSERT INTO customer (id, version, ${NAMES.join(", ")})
  VALUES (?, 1, ${places}) RETURNING *`);
const select = db.query("SELECT * FROM customer WHERE id = ?");
const list = db.query("SELECT * FROM customer WHERE id > ? ORDER BY id LIMIT ?");
const count = db.query("SELECT count(*) AS count FROM customer");
const update = db.query(`UPDATE customer SET version = version + 1,
  ${NAMES.map((name) => `"${name}" = ?`).join(", ")} WHERE id = ? AND version = ? RETURNING *`);
const remove = db.query("DELETE FROM customer WHERE id = ? AND version = ?");

const values = (body: any) => NAMES.map((name) => {
  if (name === "address") return body.address ? JSON.stringify(body.address) : null;
  if (name === "lastModifiedDateTime") return new Date().toISOString();
  return body[name] ?? null;
});
const customer = ({ version, ...row }: any) => ({
  "@odata.etag": `W/"${version}"`,
  ...row,
  address: row.address && JSON.parse(row.address),
  taxLiable: row.taxLiable === null ? null : row.taxLiable === 1,
});
const version = (c: any) => Number(c.req.header("If-Match")?.match(/^W\/"(\d+)"$/)?.[1] ?? -1);

const app = new Hono();
app.post("/customers", async (c) => {
  const body = await c.req.json();
  if (typeof body.displayName !== "string") return c.json({ error: "displayName" }, 400);
  return c.json(customer(insert.get(Bun.randomUUIDv7(), ...values(body))), 201);
});
app.get("/customers", (c) => {
  const top = Number(c.req.query("$top") ?? 20);
  const value = list.all(c.req.query("$skiptoken") ?? "", top).map(customer);
  if (value.length < top) return c.json({ value });
  const next = `/customers?$top=${top}&$skiptoken=${value[top - 1].id}`;
  return c.json({ value, "@odata.nextLink": next });
});
app.get("/customers/$count", (c) => c.json((count.get() as any).count));
app.get("/customers/:id", (c) => {
  const row = select.get(c.req.param("id"));
  return row ? c.json(customer(row)) : c.json({ error: "not found" }, 404);
});
app.patch("/customers/:id", async (c) => {
  const row = select.get(c.req.param("id"));
  if (!row) return c.json({ error: "not found" }, 404);
  const body = { ...customer(row), ...(await c.req.json()) };
  const changed = update.get(...values(body), c.req.param("id"), version(c));
  return changed ? c.json(customer(changed)) : c.json({ error: "stale" }, 412);
});
app.delete("/customers/:id", (c) =>
  remove.run(c.req.param("id"), version(c)).changes
    ? c.body(null, 204)
    : c.json({ error: "stale or not found" }, 412));

Bun.serve({ port: Number(port), hostname: "127.0.0.1", fetch: app.fetch });
