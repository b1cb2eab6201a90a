/* http_exchange.c: see http_exchange.h. */
#include "sink/http_exchange.h"

#include <stdlib.h>
#include <time.h>

enum { KEPT_RESPONSE_BYTES = 256 << 10 };

void exchange_init(struct exchange *e)
{
    *e = (struct exchange){0};
    buffer_init(&e->received, HTTP_RESPONSE_MAX_BYTES);
}

void exchange_free(struct exchange *e)
{
    buffer_free(&e->received);
}

void exchange_reset(struct exchange *e, const struct http_body *body, size_t response_max)
{
    if (e->received.capacity > KEPT_RESPONSE_BYTES)
        buffer_free(&e->received);
    buffer_clear(&e->received);
    e->received.maximum = response_max > 0 ? response_max : HTTP_RESPONSE_MAX_BYTES;
    e->body = body;
    e->sent = 0;
    e->is_too_large = false;
    e->why = NULL;
}

long exchange_read(struct exchange *e, char *out, size_t size)
{
    uint64_t left = e->body != NULL ? e->body->size - e->sent : 0;
    size_t wanted = size < left ? size : (size_t)left;
    if (wanted == 0)
        return 0;
    long got = e->body->read(e->body->context, out, wanted);
    if (got == 0 && e->body->size == HTTP_SIZE_UNKNOWN)
        return 0;
    if (got <= 0 || (size_t)got > wanted) {
        e->why = got < 0 ? "the request's body could not be read"
                         : "the request's body has not its size";
        return -1;
    }
    e->sent += (uint64_t)got;
    return got;
}

bool exchange_rewind(struct exchange *e)
{
    if (e->body != NULL && !e->body->rewind(e->body->context)) {
        e->why = "the request's body could not be read a second time";
        return false;
    }
    e->sent = 0;
    return true;
}

bool exchange_receive(struct exchange *e, const char *bytes, size_t size)
{
    e->is_too_large = size > e->received.maximum - e->received.size;
    buffer_append(&e->received, bytes, size);
    if (e->received.has_failed)
        e->why = e->is_too_large ? "the response is larger than was expected"
                                 : "there is no memory for the response";
    return !e->received.has_failed;
}

static bool read_date(const char *text, int64_t *wall_ms)
{
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                        "%a %b %d %H:%M:%S %Y"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm = {0};
        const char *end = strptime(text, forms[i], &tm);
        if (end != NULL && *end == '\0') {
            *wall_ms = (int64_t)timegm(&tm) * 1000;
            return true;
        }
    }
    return false;
}

int64_t exchange_retry_after_ms(const char *value, int64_t wall_ms)
{
    int64_t wait_ms;
    size_t digits = strspn(value, "0123456789");
    if (digits > 0 && value[digits] == '\0')
        wait_ms = digits < 10 ? strtol(value, NULL, 10) * 1000 : HTTP_RETRY_AFTER_MAX_MS;
    else if (read_date(value, &wait_ms))
        wait_ms -= wall_ms;
    else
        return -1;
    if (wait_ms < 0)
        return 0;
    return wait_ms < HTTP_RETRY_AFTER_MAX_MS ? wait_ms : HTTP_RETRY_AFTER_MAX_MS;
}
