-- Odd rows for the tables image and audio, besides the generated ones: what a column can hold and a
-- well-behaved provider would not send. Both tables get all of them: ids from 1,000,001 on, and -3 to 0.
CREATE TEMP SEQUENCE odd_id START 1000001;
CREATE TEMP TABLE odd(
    id integer NOT NULL DEFAULT nextval('odd_id'),
    created_on timestamptz NOT NULL DEFAULT '2021-06-05 04:03:02.1+02',
    provider text DEFAULT 'odd', source text DEFAULT 'odd', category text, title text DEFAULT 'odd',
    creator text, url text DEFAULT 'https://example.org/odd.jpg', license text NOT NULL DEFAULT 'BY',
    width integer, height integer, duration integer, filetype text,
    removed_from_source boolean NOT NULL DEFAULT false,
    meta_data jsonb, tags jsonb, alt_files jsonb, standardized_popularity double precision);

-- Keys that are not positive, and rows with nothing in them.
INSERT INTO odd(id, title) VALUES (-3, 'minus three'), (-2, 'deleted'), (-1, 'mature'), (0, 'zero');
INSERT INTO odd(provider, source, title, url) VALUES (NULL, NULL, NULL, NULL);
INSERT INTO odd(title, removed_from_source) VALUES ('removed', true);

-- meta_data that isn't an object, or is an odd one.
INSERT INTO odd(provider, meta_data) SELECT 'flickr', value::jsonb FROM unnest(ARRAY[
    'null', '[]', '{}', '""', '0', 'true', 'false', '1e400', '"mature"', '"description"',
    '["mature", "description", "authority_boost"]', '[["mature", true]]',
    '[{"mature": true, "description": "in a list", "authority_boost": 5}]', '[null]',
    '{"meta_data": {"mature": true, "description": "deep", "authority_boost": 5}}',
    '{"Mature": true, "DESCRIPTION": "upper", "authority-boost": 5}',
    '{"": "empty key", " mature": true}', '{"mature": true, "description": "all", "authority_boost": 5}'
]) AS value;

-- Every kind of JSON value for each of the three keys.
INSERT INTO odd(provider, meta_data)
SELECT 'met', jsonb_build_object(key, value::jsonb)
FROM unnest(ARRAY['mature', 'description', 'authority_boost']) AS key, unnest(ARRAY[
    'null', 'true', 'false', '[]', '{}', '[[]]', '[null]', '{"a": null}', '[1, "two", {"three": []}]',
    '""', '" "', '"true"', '"false"', '"null"', '"maybe"', '"[]"', '"quote \" back\\slash / tab\t line\n"',
    '"\u0001\u001f\u007f\u0085\u2028\ufeff"', '"日本語 🌄 e\u0301"', '0', '-0', '1', '0.0', '1.50', '-1.5', '1e2', '1e-7',
    '12345678901234567890', '0.1234567890123456789', '1e308', '1e309', '-1e400', '1e-320', '1e-400'
]) AS value;

-- Numbers in strings, and what only looks like one.
INSERT INTO odd(provider, meta_data)
SELECT 'met', jsonb_build_object('authority_boost', value)
FROM unnest(ARRAY[
    '61.5', ' 12 ', '1e1', '0', '0.0', '-0', '+0', '0e5', '-1', '+7', '1', '100', '100.0001', '99.999', '150',
    '5.', '.5', '-.5', '+.5e1', '007', '1E1', '1e+1', '1e-1', '1e01', '1e0000000001', '1e-0003', '1e999', '1e1000',
    '-1e1000', '1e-999', '1e-1000', '0e1000', '0e-99999999999999999999', '1e99999999999999999999', '-1e99999999999999999999',
    '1e-99999999999999999999', '1e400', '-1e400', '1e308', '1e-308', '5e-324', '1e-323', '2e-324', '1e-400',
    E'\t12\n', E'\r\n 12 \f\u000b', '12 ' || repeat(' ', 397), '12 ' || repeat(' ', 398),
    repeat('0', 399) || '5', repeat('0', 400) || '5', repeat('9', 400), '.' || repeat('0', 390) || '1e392',
    '', ' ', '.', '-', '+', 'e1', '1e', '1e+', '.e1', '--1', '+-1', '- 1', '1 2', '1,5', '1.2.3', '1e1.5', '1e1e1',
    'NaN', 'nan', '-nan', 'inf', 'Infinity', '-inf', '+Infinity', 'infinity', '0x10', '0b1', '0o7', '1_000', '1_0.5',
    '1f', '12L', '$12', '12%', '½', '١٢', '１２', E'12\u00a0', E'\u200312', 'true', 'null', 'abc', '[1]', '"1"', '1;--', '''1'''
]) AS value;

-- Which provider the authority falls back to.
INSERT INTO odd(provider, standardized_popularity) SELECT provider, 0.8 FROM unnest(ARRAY[
    'flickr', 'behance', 'thingiverse', 'sketchfab', 'deviantart', 'thorvaldsensmuseum', 'svgsilh', 'smithsonian',
    'rijksmuseum', 'museumsvictoria', 'met', 'mccordsmuseum', 'digitaltmuseum', 'clevelandmuseum', 'brooklynmuseum',
    'stocksnap', 'rawpixel', 'Flickr', 'flickr ', ' met', 'me', '', 'rawpixel,stocksnap', NULL
]) AS provider;

-- Popularity, alone and beside an authority.
INSERT INTO odd(provider, standardized_popularity, meta_data)
SELECT 'odd', popularity, meta_data::jsonb
FROM unnest(ARRAY[
    NULL, 0, '-0', 'NaN', 'Infinity', '-Infinity', 1, 1.0000000001, 0.9999999999999999, 1.7, 2, -0.1, -5, 0.01, 0.009, 0.07,
    0.29, 0.57, 1e-5, 1e-300, 5e-324, 1e-322, 1e307, 1.7976931348623157e308, -1e308, 0.1::real]::float8[]) AS popularity,
    unnest(ARRAY[NULL, '{"authority_boost": 0.5}', '{"authority_boost": -3}', '{"authority_boost": "80"}']) AS meta_data;

-- Descriptions around 2,000 characters.
INSERT INTO odd(meta_data) SELECT jsonb_build_object('description', value) FROM unnest(ARRAY[
    repeat('a', 1999), repeat('a', 2000), repeat('a', 2001), repeat('é', 1999), repeat('é', 2000), repeat('é', 2001),
    repeat('日', 666) || 'aa', repeat('日', 667), repeat('日', 2001), repeat('🌄', 500), repeat('🌄', 501), repeat('🌄', 2000),
    repeat('🌄', 2001), repeat('a', 1999) || '🌄🌄', repeat('a', 1999) || E'e\u0301', repeat(' ', 2001),
    repeat('a', 2000) || '   ', repeat('a', 1990) || repeat(' ', 20), repeat('"', 2001), repeat('\', 2001), repeat(E'\n', 2001),
    repeat(E'\u0001', 2001), repeat('long 長い ', 20000)]) AS value;

-- Tags that aren't a list, or hold odd ones.
INSERT INTO odd(tags) SELECT value::jsonb FROM unnest(ARRAY[
    'null', '[]', '{}', '""', '"name"', '5', 'true', '{"name": "alone"}', '{"0": {"name": "numbered"}}',
    '[null]', '["name"]', '["name", {"name": "kept"}]', '[["name"]]', '[[{"name": "too deep"}]]', '[{}]', '[{}, {}, 5, null, "x", []]',
    '[{"provider": "x"}]', '[{"accuracy": 0.5}]', '[{"Name": "upper"}]', '[{"name": null}]', '[{"name": null, "accuracy": null}]',
    '[{"name": ""}]', '[{"name": "", "accuracy": ""}]', '[{"name": 5}]', '[{"name": true}]', '[{"name": []}]', '[{"name": {}}]',
    '[{"name": {"name": "inner", "provider": "x"}, "accuracy": {"name": 1}}]', '[{"name": ["a", "b"], "accuracy": [1, 2]}]',
    '[{"name": "a", "accuracy": null}]', '[{"name": "a", "accuracy": "0.9"}]', '[{"name": "a", "accuracy": 0}]',
    '[{"name": "a", "accuracy": 1e-10}]', '[{"name": "a", "accuracy": 1e25}]', '[{"name": "a", "accuracy": 0.500}]',
    '[{"accuracy": 0.5, "provider": "x", "a": 1, "zzzzzzzzzz": 2, "name": "last", "nam": 3}]', '[{"name": "a"}, {"name": "a"}, {"name": "b"}]',
    '[{"name": "},{\"name\":"}, {"name": ", \"accuracy\": 1}"}]', '[{"name": "\\"}, {"name": "\""}, {"name": "\t\n\u0001"}, {"name": "日本語 🌄"}]',
    '[{"name": "a"}, {"nome": "b"}, {"name": "c", "accuracy": 0.25}, 7, {"name": "d"}]'
]) AS value;
INSERT INTO odd(tags) SELECT jsonb_agg(jsonb_build_object('name', repeat(md5(i::text), 10), 'provider', 'p', 'accuracy', i / 7.0))
    FROM generate_series(1, 2000) AS i;

-- Sizes and shapes, whose product may exceed an integer.
INSERT INTO odd(width, height) VALUES
    (NULL, NULL), (1, NULL), (NULL, 1), (0, 0), (0, 5), (1, 1), (-5, 5), (5, -5), (-1000, -1000), (640, 480), (639, 481), (307199, 1),
    (307200, 1), (1, 307201), (1600, 900), (1439999, 1), (1440000, 1), (65536, 65536), (46341, 46341),
    (2147483647, 2147483647), (-2147483648, -2147483648), (2147483647, -2147483648);

-- URLs with odd ends.
INSERT INTO odd(url) SELECT url FROM unnest(ARRAY[
    NULL, '', '.', '..', '...', '/', './', '/.', 'jpg', 'JPG', 'no-dot/here', 'https://example.org/a.jpg', 'https://example.org/a.JPG',
    'https://example.org/a.tar.gz', 'https://example.org/a.', 'https://example.org/a.jpg.', 'https://example.org/a.jpg/', 'https://example.org',
    'https://example.org/', 'https://example.org/a.jpg?size=1.5', 'https://example.org/a.jpg?x=/y', 'https://localhost/a', '.hidden', 'a.b/c', 'a./',
    'https://example.org/a.jp g', 'a. ', 'a.' || E'\n', E'a.jpg\nb', E'a\n.b\nc', 'a.日本語', '日本.日本/語', 'a.🌄', 'a.e' || E'\u0301', 'a.J"P\G', 'a.%2F', 'a.\/b',
    repeat('a', 1000), repeat('.', 1000), repeat('a.', 500), repeat('/', 1000), 'x.' || repeat('Q', 998)]) AS url;

-- Texts that are empty or hard to quote; they stay as they are.
INSERT INTO odd(provider, source, category, title, creator, license, filetype)
SELECT text, text, text, text, text, text, text FROM unnest(ARRAY[
    '', ' ', '[]', '{}', 'null', 'NULL', '\N', '\', '\\', '"', '''', E'\t', E'\n', E'\r\n', E'\b\f', E'\u0001\u001f\u007f', '</script>',
    'BY-NC-SA', E'\u2028\u2029', E'\ufeff', '🌄', '日本語', E'e\u0301', '\u0041', '{"a": 1}', '2021-06-05T04:03:02+00:00']) AS text;
INSERT INTO odd(title, creator) VALUES (repeat('日', 5000), repeat('🌄', 2000)), (repeat('"', 5000), repeat('\', 2000));

-- Dates at their edges.
INSERT INTO odd(created_on) SELECT created_on::timestamptz FROM unnest(ARRAY[
    '1970-01-01 00:00+00', '1969-12-31 23:59:59.999999+00', '0001-01-02 00:00+00', '9999-12-31 12:00+00', '2024-02-29 23:59:59.5+00',
    '2021-03-28 02:30+01', '1900-01-01 00:00+00', '2038-01-19 03:14:08+00', '2021-01-01 00:00:00.000001+00', '2021-01-01 00:00+14', '2021-01-01 00:00-12']) AS created_on;

-- For audio: durations and lists of files.
INSERT INTO odd(duration) SELECT unnest(ARRAY[
    NULL, 0, 1, -1, 29999, 30000, 30001, 119999, 120000, 599999, 600000, 600001, 2147483647, -2147483648]);
INSERT INTO odd(filetype, alt_files) SELECT filetype, value::jsonb FROM unnest(ARRAY[NULL, '', 'MP3']) AS filetype, unnest(ARRAY[
    NULL, 'null', '[]', '{}', '""', '"filetype"', '5', 'true', '{"filetype": "alone"}', '["filetype"]', '[null]', '[[]]', '[{}]', '[{"url": "x"}]',
    '[{"filetype": null}]', '[{"filetype": ""}]', '[{"filetype": 5}, {"filetype": ["a"]}, {"filetype": {"b": 1}}]', '[{"FileType": "ogg"}]',
    '[{"filetype": "ogg"}, {"url": "x"}, {"filetype": "ogg"}, 5, {"filetype": "WAV", "bit_rate": 1}]', '[[{"filetype": "too deep"}]]'
]) AS value;

INSERT INTO image(id, created_on, updated_on, identifier, provider, source, category, title, creator, url, license,
    width, height, filetype, removed_from_source, meta_data, tags, standardized_popularity)
SELECT id, created_on, now(), md5('odd image ' || id)::uuid, provider, source, category, title, creator, url, license,
    width, height, filetype, removed_from_source, meta_data, tags, standardized_popularity
FROM odd;
INSERT INTO audio(id, created_on, updated_on, identifier, provider, source, category, title, creator, url, license,
    duration, filetype, removed_from_source, meta_data, tags, alt_files, standardized_popularity)
SELECT id, created_on, now(), md5('odd audio ' || id)::uuid, provider, source, category, title, creator, url, license,
    duration, filetype, removed_from_source, meta_data, tags, alt_files, standardized_popularity
FROM odd;

-- Deleted: -2, and one in a hundred. Mature: -1, and one in seven, whatever meta_data says of them.
-- Both lists also name what is in no table.
INSERT INTO api_deletedimage(identifier)
SELECT md5('odd image ' || id)::uuid FROM odd WHERE id = -2 OR id % 100 = 50 UNION ALL SELECT md5('unknown')::uuid;
INSERT INTO api_deletedaudio(identifier)
SELECT md5('odd audio ' || id)::uuid FROM odd WHERE id = -2 OR id % 100 = 50 UNION ALL SELECT md5('unknown')::uuid;
INSERT INTO api_matureimage(identifier)
SELECT md5('odd image ' || id)::uuid FROM odd WHERE id = -1 OR id % 7 = 0 UNION ALL SELECT md5('unknown')::uuid;
INSERT INTO api_matureaudio(identifier)
SELECT md5('odd audio ' || id)::uuid FROM odd WHERE id = -1 OR id % 7 = 0 UNION ALL SELECT md5('unknown')::uuid;
DROP TABLE odd;
DROP SEQUENCE odd_id;
