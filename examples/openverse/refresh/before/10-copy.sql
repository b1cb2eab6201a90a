-- The upstream table, through postgres_fdw, into temp_import_TABLE: all columns that both tables have, without
-- the rows whose identifier was deleted here.
--
-- Variables: table (image or audio), server (made once: README.md), upstream_schema, upstream_table.
SELECT set_config('refresh.table', :'table', true), set_config('refresh.upstream_table', :'upstream_table', true);

DROP TABLE IF EXISTS temp_import_:table;
-- Indices and constraints come when the rows are in; identity and defaults are as in the live table.
CREATE TABLE temp_import_:table
    (LIKE :table INCLUDING ALL EXCLUDING INDEXES EXCLUDING CONSTRAINTS EXCLUDING STATISTICS);

DROP SCHEMA IF EXISTS refresh_upstream CASCADE;
CREATE SCHEMA refresh_upstream;
IMPORT FOREIGN SCHEMA :"upstream_schema" LIMIT TO (:"upstream_table") FROM SERVER :"server" INTO refresh_upstream;

DO $$
DECLARE
    name text := current_setting('refresh.table');
    upstream text := format('refresh_upstream.%I', current_setting('refresh.upstream_table'));
    columns text;
BEGIN
    SELECT string_agg(quote_ident(here.attname), ', ' ORDER BY here.attnum) INTO STRICT columns
    FROM pg_attribute here JOIN pg_attribute there USING (attname)
    WHERE here.attrelid = ('temp_import_' || name)::regclass AND there.attrelid = upstream::regclass
        AND here.attnum > 0 AND there.attnum > 0 AND NOT here.attisdropped AND NOT there.attisdropped
        AND here.attgenerated = '';
    EXECUTE format('ALTER FOREIGN TABLE %s OPTIONS (ADD fetch_size ''10000'')', upstream);
    EXECUTE format(
        'INSERT INTO temp_import_%1$s (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM %3$s AS u '
        'WHERE NOT EXISTS (SELECT FROM api_deleted%1$s AS d WHERE d.identifier = u.identifier)',
        name, columns, upstream);
END $$;

DROP SCHEMA refresh_upstream CASCADE;
