-- The temporary table takes the place and the name of the live one, in one transaction.
--
-- First all statements are made from what the catalogue says of the live table, then they are run: owner, sequences, foreign
-- keys of other tables, the drop, the names of indices and constraints, and what goes by the table's name: triggers, statistics
-- objects, settings, comments, grants. What isn't carried over (policies, rules, publications, inheritance) is
-- refused before anything is done; so are views of the table, by the drop.
--
-- Variables: table.
SELECT set_config('refresh.table', :'table', true);
SET LOCAL lock_timeout = '30s'; -- who waits for this lock makes all others wait behind it

CREATE FUNCTION pg_temp.refuse_what_is_left_behind(live regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    SELECT string_agg(what, ', ') INTO found FROM (
        SELECT 'partitions or inheritance' AS what FROM pg_inherits WHERE live IN (inhrelid, inhparent)
        UNION SELECT 'policies' FROM pg_policy WHERE polrelid = live
        UNION SELECT 'row security' FROM pg_class WHERE oid = live AND relrowsecurity
        UNION SELECT 'rules' FROM pg_rewrite WHERE ev_class = live
        UNION SELECT 'a publication' FROM pg_publication_rel WHERE prrelid = live) AS unknown;
    IF found IS NOT NULL THEN
        RAISE EXCEPTION 'table % has %, which this file does not carry over', live, found;
    END IF;
END $$;

-- One for each privilege in LIST, in its order. COLUMNS: "" or "(a)".
CREATE FUNCTION pg_temp.grants(live regclass, columns text, list aclitem[]) RETURNS TABLE (place numeric, statement text)
LANGUAGE sql AS $$
    SELECT 81 + number / 1000000.0, format('GRANT %s %s ON %s TO %s%s', privilege_type, columns, live,
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
        CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM aclexplode(list) WITH ORDINALITY AS acl(grantor, grantee, privilege_type, is_grantable, number)
$$;

-- Statements and their order. TEMP has no name of its own from 50 on.
CREATE FUNCTION pg_temp.promotion(live regclass, temp regclass) RETURNS TABLE (place numeric, statement text)
LANGUAGE sql AS $$
    SELECT 10, format('ALTER TABLE %s OWNER TO %I', temp, pg_get_userbyid(relowner)) FROM pg_class WHERE oid = live
    -- sequences: one that the live table owns (serial) moves; that of an identity column hands its number on
    UNION ALL SELECT 20, format('ALTER SEQUENCE %s OWNED BY %s.%I', d.objid::regclass, temp, a.attname)
    FROM pg_depend d JOIN pg_attribute a ON a.attrelid = live AND a.attnum = d.refobjsubid
    JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    WHERE d.classid = 'pg_class'::regclass AND d.refobjid = live AND d.deptype = 'a'
    UNION ALL SELECT sequence.* FROM pg_attribute a, LATERAL (
        SELECT pg_get_serial_sequence(live::text, a.attname)::regclass AS old,
            pg_get_serial_sequence(temp::text, a.attname)::regclass AS new) AS s, LATERAL (VALUES
        (20, format('SELECT setval(%L, last_value, is_called) FROM %s', s.new, s.old)),
        (50, format('ALTER SEQUENCE %s RENAME TO %I', s.new, (SELECT relname FROM pg_class WHERE oid = s.old)))
        ) AS sequence(place, statement)
    WHERE a.attrelid = live AND a.attidentity <> '' AND NOT a.attisdropped
    -- other tables' foreign keys
    UNION ALL SELECT key.* FROM pg_constraint c, LATERAL (VALUES
        (30, format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname)),
        (70, format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)))
        ) AS key(place, statement)
    WHERE c.contype = 'f' AND c.confrelid = live AND c.conrelid <> live
    -- the names
    UNION ALL SELECT 40, format('DROP TABLE %s', live)
    UNION ALL SELECT 50, format('ALTER INDEX %I.%I RENAME TO %I', n.nspname,
        ('temp_' || left(md5(c.relname), 8) || '_' || c.relname)::name, c.relname)
    FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE x.indrelid = live AND x.indisvalid
    UNION ALL SELECT 60, format('ALTER TABLE %s RENAME TO %I', temp, relname) FROM pg_class WHERE oid = live
    -- what goes by the table's name
    UNION ALL SELECT 80, pg_get_statisticsobjdef(oid) FROM pg_statistic_ext WHERE stxrelid = live
    UNION ALL SELECT 80, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = live AND NOT tgisinternal
    UNION ALL SELECT 81, format('ALTER TABLE %s %s TRIGGER %I', live,
        CASE tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE REPLICA' END, tgname)
    FROM pg_trigger WHERE tgrelid = live AND NOT tgisinternal AND tgenabled <> 'O'
    UNION ALL SELECT 80, format('ALTER TABLE %s SET (%s)', live, array_to_string(reloptions, ', '))
    FROM pg_class WHERE oid = live AND reloptions IS NOT NULL
    UNION ALL SELECT 80, format('ALTER TABLE %s ALTER %I SET STATISTICS %s', live, attname, attstattarget)
    FROM pg_attribute WHERE attrelid = live AND attnum > 0 AND NOT attisdropped AND attstattarget >= 0
    UNION ALL SELECT 80, format('ALTER TABLE %s CLUSTER ON %I', live, relname)
    FROM pg_index JOIN pg_class ON oid = indexrelid WHERE indrelid = live AND indisclustered
    UNION ALL SELECT 80, format('ALTER TABLE %s REPLICA IDENTITY %s', live, CASE relreplident
        WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING' ELSE format('USING INDEX %I', (SELECT i.relname
            FROM pg_index JOIN pg_class i ON i.oid = indexrelid WHERE indrelid = live AND indisreplident)) END)
    FROM pg_class WHERE oid = live AND relreplident <> 'd'
    UNION ALL SELECT 80, format('COMMENT ON TABLE %s IS %L', live, obj_description(live, 'pg_class'))
    WHERE obj_description(live, 'pg_class') IS NOT NULL
    UNION ALL SELECT 80, format('COMMENT ON INDEX %s IS %L', indexrelid::regclass, obj_description(indexrelid, 'pg_class'))
    FROM pg_index WHERE indrelid = live AND obj_description(indexrelid, 'pg_class') IS NOT NULL
    UNION ALL SELECT 80, format('COMMENT ON CONSTRAINT %I ON %s IS %L', conname, live, obj_description(oid, 'pg_constraint'))
    FROM pg_constraint WHERE conrelid = live AND obj_description(oid, 'pg_constraint') IS NOT NULL
    UNION ALL SELECT 80, format('REVOKE ALL ON %s FROM %I', live, pg_get_userbyid(relowner))
    FROM pg_class WHERE oid = live AND relacl IS NOT NULL
    UNION ALL SELECT g.* FROM pg_class, pg_temp.grants(live, '', relacl) AS g WHERE oid = live
    UNION ALL SELECT g.* FROM pg_attribute, pg_temp.grants(live, format('(%I)', attname), attacl) AS g
    WHERE attrelid = live AND attacl IS NOT NULL
$$;

DO $$
DECLARE
    live regclass := current_setting('refresh.table')::regclass;
    temp regclass := ('temp_import_' || current_setting('refresh.table'))::regclass;
    statements text[];
    statement text;
BEGIN
    EXECUTE format('LOCK TABLE %s, %s IN ACCESS EXCLUSIVE MODE', live, temp);
    PERFORM pg_temp.refuse_what_is_left_behind(live);
    SELECT array_agg(p.statement ORDER BY p.place, p.statement) INTO STRICT statements
    FROM pg_temp.promotion(live, temp) AS p;
    FOREACH statement IN ARRAY statements LOOP
        EXECUTE statement;
    END LOOP;
END $$;

DROP FUNCTION pg_temp.refuse_what_is_left_behind(regclass);
DROP FUNCTION pg_temp.promotion(regclass, regclass);
DROP FUNCTION pg_temp.grants(regclass, text, aclitem[]);
