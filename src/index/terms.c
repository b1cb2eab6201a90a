/* terms.c: see terms.h. */
#include "index/terms.h"

#include <stdlib.h>
#include <strings.h>

#include "base/file.h"
#include "sink/http.h"

static const char byte_order_mark[] = "\xEF\xBB\xBF";

/* --- reading --- */

static bool is_url(const char *where)
{
    return strncasecmp(where, "http://", 7) == 0 || strncasecmp(where, "https://", 8) == 0;
}

/* The list's host is not the cluster: it gets no credentials, and is known by the system's authorities. */
static bool fetch(const char *url, const struct job_options *o, struct buffer *text,
                  struct error *err)
{
    const struct http_options options = {.proxy = o->proxy,
                                         .proxy_user = o->proxy_user,
                                         .proxy_password = o->proxy_password,
                                         .timeout_ms = o->request_timeout_ms};
    struct http *h;
    int status = 0;
    if (!http_new(&h, &options, err))
        return false;
    bool ok = http_call(h, "GET", url, NULL, (struct slice){NULL, 0}, &status, text, err);
    http_free(h);
    if (ok && status != 200)
        ok = error_set(err, status >= 500 || status == 429 ? ERROR_UNAVAILABLE : ERROR_CONFIG,
                       "the server answered %d", status);
    return ok;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct slice trim(struct slice line)
{
    while (line.size > 0 && is_blank(line.data[0])) {
        line.data++;
        line.size--;
    }
    while (line.size > 0 && is_blank(line.data[line.size - 1]))
        line.size--;
    return line;
}

static struct slice take_line(struct slice *text)
{
    const char *end = memchr(text->data, '\n', text->size);
    struct slice line = {text->data, end != NULL ? (size_t)(end - text->data) : text->size};
    size_t taken = line.size + (end != NULL);
    text->data += taken;
    text->size -= taken;
    return trim(line);
}

static bool split(struct slice text, json_t *terms, struct error *err)
{
    size_t mark = sizeof byte_order_mark - 1;
    if (text.size >= mark && memcmp(text.data, byte_order_mark, mark) == 0) {
        text.data += mark;
        text.size -= mark;
    }
    for (unsigned long number = 1; text.size > 0; number++) {
        struct slice line = take_line(&text);
        if (line.size > 0 && json_array_append_new(terms, json_stringn(line.data, line.size)) != 0)
            return error_set(err, ERROR_CONFIG, "line %lu is not valid UTF-8", number);
    }
    return json_array_size(terms) > 0 || error_set(err, ERROR_CONFIG, "it holds no term");
}

bool terms_read(const char *where, const struct job_options *o, json_t **terms, struct error *err)
{
    struct buffer text;
    buffer_init(&text, TERMS_MAX_BYTES);
    *terms = json_array();
    bool ok = is_url(where) ? fetch(where, o, &text, err) : file_read_whole(where, &text, err);
    ok = ok && split(buffer_slice(&text), *terms, err);
    buffer_free(&text);
    if (ok)
        return true;
    json_decref(*terms);
    *terms = NULL;
    return error_wrap(err, "--terms");
}

/* --- the query --- */

static json_t *clause_of(json_t *terms, size_t from, size_t count, const char *field)
{
    json_t *some = json_array();
    for (size_t i = from; i < from + count; i++)
        json_array_append(some, json_array_get(terms, i));
    return json_pack("{s:{s:o}}", "terms", field, some);
}

json_t *terms_clauses(json_t *terms, const char *const *fields, size_t most)
{
    size_t total = json_array_size(terms);
    json_t *clauses = json_array();
    for (; *fields != NULL; fields++)
        for (size_t from = 0; from < total; from += most) {
            size_t count = total - from < most ? total - from : most;
            if (json_array_append_new(clauses, clause_of(terms, from, count, *fields)) != 0) {
                json_decref(clauses);
                return NULL;
            }
        }
    return clauses;
}

/* ASCII only: what else is a token depends on the analyser. */
static bool is_odd(const char *term)
{
    return term[strcspn(term, " \tABCDEFGHIJKLMNOPQRSTUVWXYZ")] != '\0';
}

size_t terms_count_odd(json_t *terms)
{
    size_t i, count = 0;
    json_t *term;
    json_array_foreach(terms, i, term)
    {
        count += is_odd(json_string_value(term));
    }
    return count;
}
