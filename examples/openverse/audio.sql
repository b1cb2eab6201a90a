-- Openverse's audio documents: each row of this query is a document, each column one of its fields.
-- bobbin reads it in windows of its key (id) and leaves out the fields that are NULL.
--
-- {table} is the name that --table gives: audio, or in production perhaps temp_import_audio.
-- The tables api_deletedaudio and api_matureaudio keep their names.
--
-- Written so that no value of any row can make the query fail, and so that it streams in the order
-- of id. How it is made cheap:
-- - A LEFT JOIN LATERAL (SELECT ... HAVING true) works its columns out once for a row: HAVING keeps it
--   from being merged into the SELECT, where each use would work them out again. It also proves that
--   there is one row, so a query for ids alone (the ends of windows) leaves the join out.
-- - #> '{}' is the whole value, decompressed, so that it isn't decompressed again for each key.
-- - EXISTS inside OR and CASE is a hash of a small table or an index lookup for a large one, and keeps
--   the order of id, where a join might sort the window.
-- - varchar(2000) cuts at 2,000 characters as left() does, in a quarter of the time.
-- - The tags are put together as a string and cast once, instead of an object for each tag.
--   jsonb_path_query stands in a SELECT list, where its rows are not stored in between.
--
-- What the rules leave open is read like this:
-- - meta_data counts only when it is an object, tags only when it is an array.
-- - mature is any JSON value. null, [] and {} are values that are left out, as everywhere.
-- - A number in a string is in ASCII digits, with a sign, a point and an exponent if need be, and white
--   space around it. "NaN", "inf", "0x10", "1_000", true and strings of more than 400 characters are no
--   numbers. An exponent of four digits or more stands for 999: it ends at 0 or at 100 all the same.
-- - A number that double precision rounds to 0 is 0. A popularity that is NaN is absent.
-- - A tag keeps "name" and "accuracy" whatever their values are, null too.
-- - alt_files counts only when it is an array. A file that names no filetype isn't in the extensions.
SELECT
    t.id,
    t.created_on,
    t.identifier,
    t.provider,
    t.source,
    t.category,
    t.title,
    t.creator,
    t.url,
    CASE
        WHEN EXISTS (SELECT FROM api_matureaudio a WHERE a.identifier = t.identifier) THEN 'true'::jsonb
        WHEN meta.mature IS NULL THEN 'false'
        WHEN meta.mature NOT IN ('null', '[]', '{}') THEN meta.mature
    END AS mature,
    lower(t.license) AS license,
    CASE jsonb_typeof(meta.description)
        WHEN 'string' THEN (meta.description #>> '{}')::varchar(2000)
    END AS description,
    rank.popularity AS standardized_popularity,
    rank.authority AS authority_boost,
    greatest(coalesce(nullif(rank.popularity, 0), 1), coalesce(nullif(rank.authority, 0), 1)) AS max_boost,
    least(coalesce(nullif(rank.popularity, 0), 1), coalesce(nullif(rank.authority, 0), 1)) AS min_boost,
    -- none of what is no array; NULL for a tag without a name, which string_agg leaves out
    ('[{"name":' || (
        SELECT string_agg(
            (tag -> 'name')::text || coalesce(',"accuracy":' || (tag -> 'accuracy')::text, ''), '},{"name":')
        FROM (SELECT jsonb_path_query(whole.tags, 'strict $[*]', silent => true) AS tag) AS every
    ) || '}]')::json AS tags,
    CASE
        WHEN t.duration = 0 THEN NULL
        WHEN t.duration < 30000 THEN 'shortest'
        WHEN t.duration < 120000 THEN 'short'
        WHEN t.duration < 600000 THEN 'medium'
        WHEN t.duration >= 600000 THEN 'long'
    END AS length,
    t.filetype,
    CASE
        WHEN jsonb_typeof(t.alt_files) = 'array' AND t.alt_files <> '[]' THEN (
            SELECT jsonb_agg(file -> 'filetype') FILTER (WHERE file -> 'filetype' IS NOT NULL)
            FROM jsonb_array_elements(t.alt_files) AS file
        )
        ELSE to_jsonb(t.filetype)
    END AS extension
FROM {table} t
LEFT JOIN LATERAL (
    SELECT t.meta_data #> '{}' AS meta_data, t.tags #> '{}' AS tags HAVING true
) AS whole ON true
LEFT JOIN LATERAL (
    SELECT
        whole.meta_data -> 'description' AS description,
        whole.meta_data -> 'mature' AS mature,
        whole.meta_data -> 'authority_boost' AS authority_boost
    HAVING true
) AS meta ON true
LEFT JOIN LATERAL (
    SELECT
        -- clamped before it is multiplied, which could overflow
        CASE
            WHEN t.standardized_popularity NOT IN (0, 'NaN')
                THEN least(greatest(t.standardized_popularity, 0), 1) * 100
        END AS popularity,
        CASE
            WHEN meta.authority_boost IS NOT NULL THEN (
                SELECT CASE
                    WHEN abs(number) > 2.4703282292062327e-324 THEN least(greatest(number, 0), 100)::float8
                END
                FROM (
                    SELECT CASE jsonb_typeof(meta.authority_boost)
                        WHEN 'number' THEN meta.authority_boost::numeric
                        WHEN 'string' THEN CASE
                            WHEN octet_length(meta.authority_boost #>> '{}') <= 400
                                AND meta.authority_boost #>> '{}'
                                    ~ '^[ \t\n\v\f\r]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\n\v\f\r]*$'
                                THEN regexp_replace(
                                    meta.authority_boost #>> '{}', '([eE][+-]?)0*[1-9][0-9]{3,}', '\1999')::numeric
                        END
                    END AS number
                    OFFSET 0
                ) AS boost
            )
            WHEN t.provider IN ('flickr', 'behance', 'thingiverse', 'sketchfab', 'deviantart') THEN 75
            WHEN t.provider IN (
                'thorvaldsensmuseum', 'svgsilh', 'smithsonian', 'rijksmuseum', 'museumsvictoria', 'met',
                'mccordsmuseum', 'digitaltmuseum', 'clevelandmuseum', 'brooklynmuseum') THEN 90
            WHEN t.provider IN ('stocksnap', 'rawpixel') THEN 85
        END AS authority
    HAVING true
) AS rank ON true
WHERE NOT (t.removed_from_source OR EXISTS (SELECT FROM api_deletedaudio a WHERE a.identifier = t.identifier))
