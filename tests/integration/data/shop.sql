-- The tables that the documentation's commands name, and a small copy of their rows.
CREATE TABLE product (
    id         bigint PRIMARY KEY,
    name       text NOT NULL,
    price      numeric(10, 2),
    updated_on timestamptz NOT NULL DEFAULT now()
);
INSERT INTO product (id, name, price) SELECT i, 'product ' || i, i % 90 FROM generate_series(1, 300) i;
CREATE TABLE event (id bigint PRIMARY KEY, kind text NOT NULL, created_on timestamptz NOT NULL DEFAULT now());
INSERT INTO event (id, kind) SELECT i, 'sold' FROM generate_series(1, 30) i;
ANALYZE;
