-- Tags that are no good are dropped: malformed ones, those of which a machine is less than 0.90 sure, those of a provider
-- that nobody has vetted, and those on the deny lists. Only rows that change are written.
--
-- Variables: table.
CREATE TEMP TABLE unvetted_providers(provider) ON COMMIT DROP AS VALUES
    ('rekognition');
-- Lower case: what a tag's name may not be, and what may not be within it.
CREATE TEMP TABLE denied_names(name) ON COMMIT DROP AS VALUES
    ('no person'), ('squareformat');
CREATE TEMP TABLE denied_parts(part) ON COMMIT DROP AS VALUES
    ('flickriosapp'), ('uploaded:by'), ('cc0'), (':'), ('=');

UPDATE temp_import_:table AS t SET tags = cleaned.tags
FROM (
    SELECT ctid AS place, CASE WHEN jsonb_typeof(tags) = 'array' THEN (
        SELECT coalesce(jsonb_agg(tag ORDER BY number), '[]')
        FROM jsonb_array_elements(tags) WITH ORDINALITY AS e(tag, number)
        WHERE CASE
            WHEN jsonb_typeof(tag) <> 'object' THEN false
            WHEN jsonb_typeof(tag -> 'name') IS DISTINCT FROM 'string' OR btrim(tag ->> 'name') = '' THEN false
            WHEN jsonb_typeof(tag -> 'accuracy') NOT IN ('number', 'null') THEN false
            WHEN (tag ->> 'accuracy')::numeric < 0.90 THEN false
            WHEN tag ->> 'provider' IN (SELECT provider FROM unvetted_providers) THEN false
            WHEN lower(btrim(tag ->> 'name')) IN (SELECT name FROM denied_names) THEN false
            ELSE NOT EXISTS (SELECT FROM denied_parts WHERE strpos(lower(tag ->> 'name'), part) > 0)
        END) END AS tags
    FROM temp_import_:table WHERE tags IS NOT NULL
) AS cleaned
WHERE t.ctid = cleaned.place AND t.tags IS DISTINCT FROM cleaned.tags;
