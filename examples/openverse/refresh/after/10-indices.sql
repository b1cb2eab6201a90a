-- All indices of the live table, for the temporary one, under temporary names.
--
-- Variables: table.
SELECT set_config('refresh.table', :'table', true);

DO $$
DECLARE
    live regclass := current_setting('refresh.table')::regclass;
    temp regclass := ('temp_import_' || current_setting('refresh.table'))::regclass;
    i record;
BEGIN
    FOR i IN
        SELECT ('temp_' || left(md5(c.relname), 8) || '_' || c.relname)::name AS name, x.indisunique AS is_unique,
            split_part(pg_get_indexdef(c.oid), quote_ident(c.relname) || ' ON ', 2) AS definition, coalesce(s.spcname, '') AS tablespace
        FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
        WHERE x.indrelid = live AND x.indisvalid AND NOT x.indisexclusion ORDER BY c.relname
    LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
            WHERE x.indrelid = temp AND c.relname = i.name);
        PERFORM set_config('default_tablespace', i.tablespace, true);
        EXECUTE format('CREATE %s %I ON %s %s', CASE WHEN i.is_unique THEN 'UNIQUE INDEX' ELSE 'INDEX' END,
            i.name, temp, substr(i.definition, strpos(i.definition, ' USING ')));
    END LOOP;
END $$;
