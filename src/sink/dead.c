/* dead.c: see dead.h. */
#include "sink/dead.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/json_scan.h"
#include "encode/utf8.h"
#include "spool/frame.h"

struct dead_file {
    int fd;
    uint64_t size;        // of what is durable
    struct error failure; // kind ERROR_NONE: none yet
};

static bool cut_to(int fd, uint64_t size, struct error *err)
{
    uint64_t length;
    if (!file_size(fd, DEAD_FILE, &length, err))
        return false;
    if (length < size)
        return error_set(err, ERROR_DAMAGED,
                         "file %s has %llu bytes, but %llu bytes of dead letters were stored: "
                         "bring it back, or give them up with bobbin dead drop",
                         DEAD_FILE, (unsigned long long)length, (unsigned long long)size);
    if (length > size && !file_cut(fd, DEAD_FILE, size, err))
        return false;
    fault_point("letters-cut");
    return true;
}

bool dead_open(struct dead_file **out, int dir, uint64_t size, struct error *err)
{
    struct dead_file *d = calloc(1, sizeof *d);
    if (d == NULL)
        return error_set_memory(err);
    d->size = size;
    if (file_open(&d->fd, dir, DEAD_FILE, true, err) && cut_to(d->fd, size, err) &&
        file_sync_directory(dir, err)) {
        *out = d;
        return true;
    }
    dead_close(d);
    return false;
}

void dead_close(struct dead_file *d)
{
    if (d == NULL)
        return;
    file_close(&d->fd);
    free(d);
}

bool dead_append(struct dead_file *d, struct slice lines, uint64_t *size, struct error *err)
{
    if (d->failure.kind == ERROR_NONE &&
        file_write_at(d->fd, DEAD_FILE, d->size, lines, &d->failure) &&
        file_sync(d->fd, DEAD_FILE, &d->failure)) {
        fault_point("dead-synced");
        d->size += lines.size;
        *size = d->size;
        return true;
    }
    *err = d->failure;
    return false;
}

/* Append TEXT; what is no UTF-8 in it, byte by byte, as U+FFFD. */
static void append_utf8(struct buffer *out, struct slice text)
{
    while (text.size > 0) {
        size_t valid = utf8_valid_size(text);
        buffer_append(out, text.data, valid);
        if (valid < text.size) {
            buffer_append_string(out, "\xEF\xBF\xBD");
            valid++;
        }
        text.data += valid;
        text.size -= valid;
    }
}

static int append_dumped(const char *bytes, size_t size, void *out)
{
    buffer_append(out, bytes, size);
    return 0;
}

/* Append TEXT as a JSON string. */
static void append_quoted(struct buffer *out, struct slice text)
{
    struct buffer clean;
    buffer_init(&clean, text.size * 3 + 1); // each byte may become U+FFFD
    append_utf8(&clean, text);
    json_t *string = clean.has_failed ? NULL : json_stringn(buffer_string(&clean), clean.size);
    if (string == NULL || json_dump_callback(string, append_dumped, out, JSON_ENCODE_ANY) != 0)
        out->has_failed = true;
    json_decref(string);
    buffer_free(&clean);
}

/* Append TEXT, which is JSON, on one line: it has line ends only between its tokens. */
static void append_json(struct buffer *out, struct slice text)
{
    size_t start = out->size;
    append_utf8(out, text);
    for (size_t i = start; i < out->size; i++)
        if (out->data[i] == '\n' || out->data[i] == '\r')
            out->data[i] = ' ';
}

static void append_json_or_text(struct buffer *out, struct slice text)
{
    if (json_scan_is_whole(text))
        append_json(out, text);
    else
        append_quoted(out, text);
}

static void append_error(struct buffer *out, struct slice error, int status)
{
    const char *without =
        status < 300 ? "the data stream has put it into its failure store" : "no error was given";
    if (error.size > 0 && error.data[0] == '{' && json_scan_is_whole(error)) {
        append_json(out, error);
        return;
    }
    buffer_append_string(out, "{\"reason\":");
    if (error.size == 0)
        append_quoted(out, slice_of(without));
    else if (error.data[0] == '"')
        append_json_or_text(out, error);
    else
        append_quoted(out, error);
    buffer_append_byte(out, '}');
}

/* {"index": {"_id": "42", ...}} -> "42", as JSON. */
static void append_id(struct buffer *out, struct slice action)
{
    struct json_scan s = json_scan_over(action);
    struct slice name, metadata, id;
    bool is_found = json_scan_expect(&s, '{') &&
                    json_scan_member(&s, true, &name) == JSON_SCAN_ITEM &&
                    json_scan_value(&s, &metadata) && json_scan_find(metadata, "_id", &id);
    append_json(out, is_found ? id : slice_of("null"));
}

void dead_format(struct buffer *out, struct slice action, struct slice source, int status,
                 struct slice error_json)
{
    char now[CLOCK_TEXT_BYTES];
    clock_format(clock_wall_ms(), now);
    buffer_append_format(out, "{\"time\":\"%s\",\"id\":", now);
    append_id(out, action);
    buffer_append_format(out, ",\"status\":%d,\"error\":", status);
    append_error(out, error_json, status);
    buffer_append_string(out, ",\"action\":");
    append_json_or_text(out, action);
    if (source.size > 0) {
        buffer_append_string(out, ",\"source\":");
        append_json_or_text(out, source);
    }
    buffer_append_string(out, "}\n");
}

void dead_check(struct slice bytes, char out[DEAD_CHECK_BYTES])
{
    snprintf(out, DEAD_CHECK_BYTES, "%016" PRIx64, frame_checksum(bytes));
}

void dead_seal(struct buffer *out, size_t start, const struct slice keys[2])
{
    char check[DEAD_CHECK_BYTES];
    if (out->has_failed)
        return;
    out->size -= strlen("}\n");
    buffer_append_string(out, ",\"keys\":[");
    append_quoted(out, keys[0]);
    buffer_append_byte(out, ',');
    append_quoted(out, keys[1]);
    buffer_append_byte(out, ']');
    dead_check((struct slice){out->data + start, out->size - start}, check);
    buffer_append_format(out, ",\"check\":\"%s\"}\n", check);
}
