-- What signs the links between pages: every server of the store has the same, and nobody else.

CREATE TABLE secret (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  bytes BLOB NOT NULL
) STRICT;

INSERT INTO secret (id, bytes) VALUES (1, randomblob(32));
