-- Large rows, each with a text of about 1 MB of plain words: psql -v rows=N -f large.sql
--
-- The texts are put together from 4,000 paragraphs of some 8 kB in random order, so that hardly any is met again
-- within what a compressor remembers. The words are of one to four syllables, short ones more often.
SELECT setseed(0.42);
CREATE TEMP TABLE words AS
SELECT row_number() OVER (ORDER BY length(word), md5(word)) - 1 AS number, word
FROM (
    SELECT DISTINCT string_agg(syllables.each[1 + floor(random() * 24)::integer], '') AS word
    FROM (SELECT array['ka', 'lo', 'mi', 'ter', 'su', 'ne', 'ran', 'do', 'vel', 'pi', 'gos', 'ta', 'ber', 'li', 'no', 'sha',
        'que', 'fin', 'ur', 'zo', 'wen', 'ca', 'hal', 'jo'] AS each) AS syllables,
        generate_series(1, 8000) AS number, generate_series(1, 4) AS syllable
    WHERE syllable <= 1 + number % 4
    GROUP BY number
) AS made;
ANALYZE words;
CREATE TEMP TABLE paragraphs AS
SELECT picked.paragraph AS number, string_agg(word, ' ') AS paragraph
FROM (
    SELECT paragraph, floor((SELECT count(*) FROM words) * power(random(), 3))::bigint AS number
    FROM generate_series(1, 4000) AS paragraph, generate_series(1, 1150)
    OFFSET 0
) AS picked
JOIN words USING (number)
GROUP BY picked.paragraph;
CREATE INDEX ON paragraphs(number);
ANALYZE paragraphs;
CREATE TABLE large(id bigint NOT NULL, title text NOT NULL, body text NOT NULL);
INSERT INTO large
SELECT i, 'Text ' || i, string_agg(paragraph, E'\n')
FROM (
    SELECT i, floor(random() * 4000)::integer + 1 AS number
    FROM generate_series(1, :rows) AS i, generate_series(1, 128)
    OFFSET 0
) AS picked
JOIN paragraphs USING (number)
GROUP BY i;
ALTER TABLE large ADD PRIMARY KEY (id);
VACUUM ANALYZE large;
