/* wish.c: see wish.h. */
#include "serve/wish.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <jansson.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define FORM "application/x-www-form-urlencoded"

/* --- one field each --- */

/* Copy the text of field NAME into OUT of SIZE bytes. */
static bool take_text(const json_t *json, const char *name, char *out, size_t size,
                      struct error *err)
{
    const json_t *value = json_object_get(json, name);
    const char *text = json_string_value(value);
    if (value == NULL)
        return error_set(err, ERROR_USAGE, "%s is missing", name);
    if (text == NULL || strlen(text) != json_string_length(value))
        return error_set(err, ERROR_USAGE, "%s is no text", name);
    if (text[0] == '\0')
        return error_set(err, ERROR_USAGE, "%s is empty", name);
    if (json_string_length(value) >= size)
        return error_set(err, ERROR_USAGE, "%s is longer than %zu bytes", name, size - 1);
    memcpy(out, text, json_string_length(value) + 1);
    return true;
}

static bool take_name(const json_t *json, const char *name, char *out, size_t size,
                      const char *letters, struct error *err)
{
    if (!take_text(json, name, out, size, err))
        return false;
    return out[strspn(out, letters)] == '\0' ||
           error_set(err, ERROR_USAGE, "%s \"%s\" is no name", name, out);
}

static bool take_table(const json_t *json, const char *name, char *out, size_t size,
                       struct error *err)
{
    if (!take_text(json, name, out, size, err))
        return false;
    bool is_identifier =
        out[strspn(out, LETTERS DIGITS "_")] == '\0' && strchr(DIGITS, out[0]) == NULL;
    return is_identifier || error_set(err, ERROR_USAGE,
                                      "%s \"%s\" is no identifier: letters, digits and _, of "
                                      "which the first is no digit",
                                      name, out);
}

/* What Elasticsearch takes for the name of an index (Create index API, path parameters). */
static bool take_index(const json_t *json, const char *name, char *out, size_t size,
                       struct error *err)
{
    if (!take_text(json, name, out, size, err))
        return false;
    bool is_good = strchr("-_+.", out[0]) == NULL && strpbrk(out, "\\/*?\"<>|,#: ") == NULL;
    for (const char *c = out; *c != '\0'; c++)
        is_good &= (unsigned char)*c > 0x1f && *c != 0x7f && !(*c >= 'A' && *c <= 'Z');
    return is_good || error_set(err, ERROR_USAGE, "%s \"%s\" is no name of an index", name, out);
}

static bool parse_id(const char *text, int64_t *out)
{
    const char *digits = text + (text[0] == '-');
    char *end;
    errno = 0;
    intmax_t value = strtoimax(text, &end, 10);
    *out = value;
    return digits[0] != '\0' && digits[strspn(digits, DIGITS)] == '\0' && *end == '\0' &&
           errno == 0;
}

static bool take_id(const json_t *json, const char *name, int64_t *out, struct error *err)
{
    const json_t *value = json_object_get(json, name);
    const char *text = json_string_value(value);
    if (value == NULL)
        return error_set(err, ERROR_USAGE, "%s is missing", name);
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return true;
    }
    return (text != NULL && strlen(text) == json_string_length(value) && parse_id(text, out)) ||
           error_set(err, ERROR_USAGE, "%s is no whole number", name);
}

bool wish_take_json(struct wish *out, const json_t *json, struct error *err)
{
    *out = (struct wish){.start_id = 0};
    if (!json_is_object(json))
        return error_set(err, ERROR_USAGE, "the body is no JSON object");
    if (!take_name(json, "model_name", out->model, sizeof out->model, LETTERS DIGITS "_-", err) ||
        !take_table(json, "table_name", out->table, sizeof out->table, err) ||
        !take_index(json, "target_index", out->index, sizeof out->index, err) ||
        !take_id(json, "start_id", &out->start_id, err) ||
        !take_id(json, "end_id", &out->end_id, err))
        return false;
    return out->start_id <= out->end_id ||
           error_set(err, ERROR_USAGE,
                     "the ids are out of order: start_id %" PRId64 " is greater than end_id "
                     "%" PRId64,
                     out->start_id, out->end_id);
}

/* --- a form (HTML, "application/x-www-form-urlencoded parsing") --- */

static int hex_value(char c)
{
    const char *digits = "0123456789abcdef";
    const char *found = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c + 'a' - 'A' : c) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

static void decode(struct slice text, struct buffer *out)
{
    buffer_clear(out);
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i] == '+' ? ' ' : text.data[i];
        bool has_digits = c == '%' && text.size - i > 2 && hex_value(text.data[i + 1]) >= 0 &&
                          hex_value(text.data[i + 2]) >= 0;
        if (has_digits) {
            c = (char)(16 * hex_value(text.data[i + 1]) + hex_value(text.data[i + 2]));
            i += 2;
        }
        buffer_append_byte(out, c);
    }
}

static struct slice cut_at(struct slice *text, char separator)
{
    const char *at = text->size > 0 ? memchr(text->data, separator, text->size) : NULL;
    struct slice cut = {text->data, at != NULL ? (size_t)(at - text->data) : text->size};
    size_t used = cut.size + (at != NULL);
    if (used > 0)
        text->data += used;
    text->size -= used;
    return cut;
}

/* NULL when it holds what is no UTF-8, or for lack of memory. */
static json_t *read_form(struct slice body)
{
    struct buffer name, value;
    json_t *form = json_object();
    bool ok = form != NULL;
    buffer_init(&name, WISH_BODY_MAX_BYTES + 1);
    buffer_init(&value, WISH_BODY_MAX_BYTES + 1);
    while (ok && body.size > 0) {
        struct slice pair = cut_at(&body, '&');
        decode(cut_at(&pair, '='), &name);
        decode(pair, &value);
        ok = json_object_set_new(form, buffer_string(&name),
                                 json_stringn(value.size > 0 ? value.data : "", value.size)) == 0;
    }
    buffer_free(&name);
    buffer_free(&value);
    if (ok)
        return form;
    json_decref(form);
    return NULL;
}

/* --- both --- */

/* curl -d '{...}' calls its JSON a form, which never begins so. */
static bool is_form(const char *type, struct slice body)
{
    while (body.size > 0 && strchr(" \t\r\n", body.data[0]) != NULL) {
        body.data++;
        body.size--;
    }
    bool is_object = body.size > 0 && body.data[0] == '{';
    return !is_object && type != NULL && strncasecmp(type, FORM, sizeof FORM - 1) == 0;
}

bool wish_read(struct wish *out, const char *type, struct slice body, struct error *err)
{
    json_error_t error = {.text = "it holds what is no UTF-8"};
    bool is_a_form = is_form(type, body);
    json_t *json = is_a_form ? read_form(body)
                             : json_loadb(body.data, body.size, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL)
        return error_set(err, ERROR_USAGE, "the body is no %s: %s", is_a_form ? "form" : "JSON",
                         error.text);
    bool ok = wish_take_json(out, json, err);
    json_decref(json);
    return ok;
}
