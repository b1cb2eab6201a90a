/* answer.c: see answer.h. */
#include "answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <zlib.h>

enum { BLOCK_BYTES = 32 << 10, DATE_BYTES = 64, GZIP_WINDOW = 15 + 16 };

struct sending {
    struct rule rule;
    char *body;
    size_t size;
};

void answer_stall(void)
{
    for (;;)
        pause();
}

/* --- bytes --- */

/* MOST bytes, or fewer when something happens after B's. */
static size_t up_to(const struct break_off *b, size_t at, size_t most)
{
    bool is_ahead = b->moment == MOMENT_SENDING && b->bytes > at;
    return is_ahead && b->bytes - at < most ? b->bytes - at : most;
}

static bool is_reached(const struct break_off *b, size_t at)
{
    return b->moment == MOMENT_SENDING && at >= b->bytes;
}

static ssize_t on_read(void *context, uint64_t position, char *out, size_t size)
{
    const struct sending *s = context;
    size_t at = (size_t)position;
    if (is_reached(&s->rule.stall, at))
        answer_stall();
    if (is_reached(&s->rule.drop, at))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (at == s->size)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (s->size - at < size)
        size = s->size - at;
    if (s->rule.pace_bytes > 0) {
        usleep(s->rule.pace_ms * 1000);
        size = s->rule.pace_bytes < size ? s->rule.pace_bytes : size;
    }
    size = up_to(&s->rule.drop, at, up_to(&s->rule.stall, at, size));
    memcpy(out, s->body + at, size);
    return (ssize_t)size;
}

static void on_free(void *context)
{
    struct sending *s = context;
    free(s->body);
    free(s);
}

static void compress_gzip(struct sending *s)
{
    z_stream z = {.next_in = (Bytef *)s->body, .avail_in = (uInt)s->size};
    deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY);
    size_t most = deflateBound(&z, s->size);
    char *out = malloc(most);
    if (out == NULL)
        abort();
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)most;
    deflate(&z, Z_FINISH);
    free(s->body);
    s->body = out;
    s->size = z.total_out;
    deflateEnd(&z);
}

/* --- headers --- */

static void add_date(struct MHD_Response *response, const char *seconds)
{
    char date[DATE_BYTES];
    struct tm tm;
    time_t at = time(NULL) + atoi(seconds);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &tm));
    MHD_add_response_header(response, "Retry-After", date);
}

static void add_headers(struct MHD_Response *response, const struct rule *r)
{
    const char *type = r->body != NULL ? "text/html" : "application/json";
    MHD_add_response_header(response, "Content-Type", type);
    if (r->retry_after != NULL)
        MHD_add_response_header(response, "Retry-After", r->retry_after);
    if (r->retry_after_date != NULL)
        add_date(response, r->retry_after_date);
    if (r->location != NULL)
        MHD_add_response_header(response, "Location", r->location);
    if (r->encoding != NULL)
        MHD_add_response_header(response, "Content-Encoding", r->encoding);
}

enum MHD_Result answer_send(struct MHD_Connection *connection, const struct rule *rule,
                            unsigned status, char *body, size_t size)
{
    struct sending *s = malloc(sizeof *s);
    if (s == NULL)
        abort();
    *s = (struct sending){*rule, body, size};
    if (rule->encoding != NULL && strcmp(rule->encoding, "gzip") == 0)
        compress_gzip(s);
    struct MHD_Response *response = MHD_create_response_from_callback(
        rule->is_http_1_0 ? MHD_SIZE_UNKNOWN : s->size, BLOCK_BYTES, on_read, s, on_free);
    if (rule->is_http_1_0)
        MHD_set_response_options(response, MHD_RF_HTTP_1_0_SERVER, MHD_RO_END);
    add_headers(response, rule);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}
