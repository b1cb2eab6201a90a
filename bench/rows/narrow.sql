-- Narrow rows, of some 100 bytes each: psql -v rows=N -f narrow.sql
CREATE TABLE narrow(
    id bigint NOT NULL,
    code text NOT NULL,
    customer text NOT NULL,
    city text,
    amount numeric(10, 2) NOT NULL,
    is_paid boolean NOT NULL,
    made_at timestamptz NOT NULL);
INSERT INTO narrow
SELECT
    i,
    md5(i::text),
    'Customer ' || i * 7919 % 50000,
    CASE WHEN i % 11 <> 0 THEN (array['Lisboa', 'Graz', 'Rennes', 'Kyoto', 'Porto', 'Leeds', 'Oulu'])[1 + i % 7] END,
    i * 104729 % 1000000 / 100.0,
    i % 5 <> 0,
    timestamptz '2020-01-01 00:00+00' + i * interval '37 second'
FROM generate_series(1, :rows::bigint) AS i;
ALTER TABLE narrow ADD PRIMARY KEY (id);
VACUUM ANALYZE narrow;
