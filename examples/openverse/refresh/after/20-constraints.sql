-- All constraints of the live table, for the temporary one. Those that have an index get a temporary name. Rows whose foreign
-- key leads nowhere are deleted first.
--
-- Variables: table.
SELECT set_config('refresh.table', :'table', true);

DO $$
DECLARE
    live regclass := current_setting('refresh.table')::regclass;
    temp regclass := ('temp_import_' || current_setting('refresh.table'))::regclass;
    other regclass;
    c record;
    definition text;
    is_full text; -- all columns of the foreign key have a value
    is_met text;
    deleted bigint;
BEGIN
    FOR c IN
        SELECT *, CASE WHEN contype IN ('p', 'u', 'x') THEN ('temp_' || left(md5(conname), 8) || '_' || conname)::name
            ELSE conname END AS name
        FROM pg_constraint WHERE conrelid = live AND contype IN ('p', 'u', 'x', 'c', 'f') ORDER BY contype <> 'p', conname
    LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_constraint WHERE conrelid = temp AND conname = c.name);
        definition := pg_get_constraintdef(c.oid);
        IF c.contype IN ('p', 'u') THEN
            definition := format('%s USING INDEX %I %s %s',
                CASE c.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END, c.name,
                CASE WHEN c.condeferrable THEN 'DEFERRABLE' END, CASE WHEN c.condeferred THEN 'INITIALLY DEFERRED' END);
        ELSIF c.contype = 'f' THEN
            other := CASE WHEN c.confrelid = live THEN temp ELSE c.confrelid END;
            definition := replace(definition, format(' REFERENCES %s(', c.confrelid::regclass), format(' REFERENCES %s(', other));
            SELECT string_agg(format('t.%I IS NOT NULL', h.attname), ' AND '),
                string_agg(format('o.%I = t.%I', o.attname, h.attname), ' AND ')
            INTO STRICT is_full, is_met
            FROM unnest(c.conkey, c.confkey) AS pair(here, there)
            JOIN pg_attribute h ON h.attrelid = live AND h.attnum = here
            JOIN pg_attribute o ON o.attrelid = c.confrelid AND o.attnum = there;
            LOOP -- a table that refers to itself gets new orphans
                EXECUTE format('DELETE FROM %s AS t WHERE %s AND NOT EXISTS (SELECT FROM %s AS o WHERE %s)',
                    temp, is_full, other, is_met);
                GET DIAGNOSTICS deleted = ROW_COUNT;
                EXIT WHEN deleted = 0 OR other <> temp;
            END LOOP;
        END IF;
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', temp, c.name, definition);
    END LOOP;
END $$;

ANALYZE temp_import_:table;
