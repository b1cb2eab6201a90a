-- The primary key, by which bobbin reads, and the planner's statistics. Its name is a temporary one, as the live table
-- has the other; promote/10-promote.sql knows how it is made.
--
-- Variables: table.
SELECT set_config('refresh.table', :'table', true);

DO $$
DECLARE
    live regclass := current_setting('refresh.table')::regclass;
    temp regclass := ('temp_import_' || current_setting('refresh.table'))::regclass;
    key record;
BEGIN
    SELECT ('temp_' || left(md5(conname), 8) || '_' || conname)::name AS name, pg_get_constraintdef(oid) AS definition
    INTO STRICT key FROM pg_constraint WHERE conrelid = live AND contype = 'p';
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', temp, key.name, key.definition);
END $$;

ANALYZE temp_import_:table;
