-- What signs the links between pages: every server of the database has the same, and nobody else. It
-- is no tenant's. The random bits of two GUIDs of version 4 are 244.

CREATE TABLE secret (
  id integer NOT NULL PRIMARY KEY,
  bytes bytea NOT NULL
);

INSERT INTO secret (id, bytes)
  VALUES (1, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

GRANT SELECT ON secret TO debitor_service;
