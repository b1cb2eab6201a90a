/* dead_read.c: see dead_read.h. */
#include "sink/dead_read.h"

#include <stdlib.h>

#include <jansson.h>

#include "base/file.h"
#include "base/json_scan.h"
#include "sink/dead.h"

enum { CHUNK_BYTES = 64 << 10, LINE_MAX_BYTES = INT32_MAX };

struct dead_reader {
    int fd;
    struct buffer bytes; // of the file, from `offset` on
    uint64_t offset;     // of the next line
    uint64_t upto;
    size_t used; // of `bytes`: the line before
};

bool dead_reader_open(struct dead_reader **out, int dir, uint64_t from, uint64_t upto,
                      struct error *err)
{
    struct dead_reader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return error_set_memory(err);
    buffer_init(&r->bytes, LINE_MAX_BYTES);
    r->offset = from;
    r->upto = upto;
    if (file_open(&r->fd, dir, DEAD_FILE, false, err)) {
        if (r->fd >= 0 || from == upto) {
            *out = r;
            return true;
        }
        error_set(err, ERROR_DAMAGED, "file %s is absent", DEAD_FILE);
    }
    dead_reader_close(r);
    return false;
}

void dead_reader_close(struct dead_reader *r)
{
    if (r == NULL)
        return;
    file_close(&r->fd);
    buffer_free(&r->bytes);
    free(r);
}

/* --- lines --- */

/* Forget the line before. */
static void drop_used(struct dead_reader *r)
{
    r->bytes.size -= r->used;
    memmove(r->bytes.data, r->bytes.data + r->used, r->bytes.size);
    r->offset += r->used;
    r->used = 0;
}

static bool read_more(struct dead_reader *r, struct error *err)
{
    uint64_t at = r->offset + r->bytes.size;
    size_t size = r->upto - at < CHUNK_BYTES ? (size_t)(r->upto - at) : CHUNK_BYTES;
    size_t got = 0;
    if (size == 0)
        return error_set(err, ERROR_DAMAGED, "file %s: the line at byte %llu has no end", DEAD_FILE,
                         (unsigned long long)r->offset);
    if (!buffer_reserve(&r->bytes, size))
        return buffer_check(&r->bytes, "a dead letter", err);
    if (!file_read_at(r->fd, DEAD_FILE, at, r->bytes.data + r->bytes.size, size, &got, err))
        return false;
    if (got == 0)
        return error_set(err, ERROR_DAMAGED,
                         "file %s has %llu bytes, but %llu bytes of dead letters were stored",
                         DEAD_FILE, (unsigned long long)at, (unsigned long long)r->upto);
    r->bytes.size += got;
    return true;
}

/* The next line, without its newline. Bytes are looked at once, however long the line is. */
static bool next_line(struct dead_reader *r, struct slice *line, struct error *err)
{
    const char *end = NULL;
    size_t seen = r->used;
    if (r->used < r->bytes.size)
        end = memchr(r->bytes.data + seen, '\n', r->bytes.size - seen);
    if (end == NULL && r->used > 0) {
        drop_used(r);
        seen = r->bytes.size;
    }
    while (end == NULL) {
        if (!read_more(r, err))
            return false;
        end = memchr(r->bytes.data + seen, '\n', r->bytes.size - seen);
        if (end == NULL)
            seen = r->bytes.size;
    }
    *line = (struct slice){r->bytes.data + r->used, (size_t)(end - r->bytes.data) - r->used};
    r->used = (size_t)(end - r->bytes.data) + 1;
    return true;
}

bool dead_reader_next(struct dead_reader *r, struct dead_letter *letter, bool *found,
                      struct error *err)
{
    struct slice line;
    uint64_t offset = r->offset + r->used;
    *found = offset < r->upto;
    if (!*found)
        return true;
    if (!next_line(r, &line, err))
        return false;
    if (!dead_letter_parse(line, letter))
        return error_set(err, ERROR_DAMAGED,
                         "file %s: the line at byte %llu is no dead letter as it was written",
                         DEAD_FILE, (unsigned long long)offset);
    letter->offset = offset;
    return true;
}

/* --- a letter --- */

static void take_member(struct dead_letter *letter, struct slice name, struct slice value)
{
    const struct {
        const char *name;
        struct slice *value;
    } members[] = {
        {"id", &letter->id},         {"status", &letter->status}, {"error", &letter->error},
        {"action", &letter->action}, {"source", &letter->source},
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (slice_equal(name, slice_of(members[i].name)))
            *members[i].value = value;
}

static bool take_keys(struct dead_letter *letter, struct slice value)
{
    struct json_scan s = json_scan_over(value);
    return json_scan_expect(&s, '[') && json_scan_element(&s, true) == JSON_SCAN_ITEM &&
           json_scan_value(&s, &letter->first_key) &&
           json_scan_element(&s, false) == JSON_SCAN_ITEM &&
           json_scan_value(&s, &letter->last_key) &&
           json_scan_string(letter->first_key).data != NULL &&
           json_scan_string(letter->last_key).data != NULL;
}

/* NAME's bytes are those behind `,"`. */
static struct slice before_member(const struct dead_letter *letter, struct slice name)
{
    size_t size = (size_t)(name.data - letter->line.data);
    return (struct slice){letter->line.data, size >= 2 ? size - 2 : 0};
}

/* The seal is what stands last, in this order. */
static bool take_seal(struct json_scan *s, struct dead_letter *letter, struct slice name)
{
    struct slice value;
    char check[DEAD_CHECK_BYTES];
    letter->content = before_member(letter, name);
    if (!json_scan_value(s, &value) || !take_keys(letter, value) ||
        json_scan_member(s, false, &name) != JSON_SCAN_ITEM ||
        !slice_equal(name, slice_of("check")) || !json_scan_value(s, &value))
        return false;
    dead_check(before_member(letter, name), check);
    return slice_equal(json_scan_string(value), slice_of(check)) &&
           json_scan_member(s, false, &name) == JSON_SCAN_END && json_scan_is_at_end(s);
}

bool dead_letter_parse(struct slice line, struct dead_letter *letter)
{
    struct json_scan s = json_scan_over(line);
    struct slice name, value;
    *letter = (struct dead_letter){.line = line};
    if (!json_scan_expect(&s, '{'))
        return false;
    bool is_first = true;
    while (json_scan_member(&s, is_first, &name) == JSON_SCAN_ITEM) {
        if (slice_equal(name, slice_of("keys"))) {
            bool is_good = take_seal(&s, letter, name);
            letter->has_no_id = letter->id.size == 0;
            if (letter->has_no_id)
                letter->id = letter->first_key;
            return is_good;
        }
        if (!json_scan_value(&s, &value))
            return false;
        take_member(letter, name, value);
        is_first = false;
    }
    return false;
}

bool dead_append_string(struct slice json, struct buffer *out)
{
    json_t *string = json_loadb(json.data, json.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    bool is_string = json_is_string(string);
    if (is_string)
        buffer_append(out, json_string_value(string), json_string_length(string));
    json_decref(string);
    return is_string;
}

/* What was no JSON to bobbin (too deep) is kept as a string. */
static bool append_line(struct slice json, struct buffer *out)
{
    if (json.data[0] == '"' && !dead_append_string(json, out))
        return false;
    if (json.data[0] != '"')
        buffer_append(out, json.data, json.size);
    buffer_append_byte(out, '\n');
    return true;
}

bool dead_append_operation(const struct dead_letter *letter, struct buffer *out)
{
    return letter->action.size > 0 && append_line(letter->action, out) &&
           (letter->source.size == 0 || append_line(letter->source, out));
}
