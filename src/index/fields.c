/* fields.c: see fields.h. */
#include "index/fields.h"

#include "base/log.h"
#include "index/ask.h"
#include "sink/admin.h"

enum { PATH_MAX_BYTES = 8192 };

/* FIELDS: of the answer to _field_caps. */
static bool check_field(const char *field, json_t *fields, size_t odd, struct error *err)
{
    json_t *types = json_object_get(fields, field);
    const char *type;
    json_t *what;
    if (types == NULL)
        return error_set(err, ERROR_CONFIG,
                         "--fields %s: the index has no such field: no document would be left out",
                         field);
    json_object_foreach(types, type, what)
    {
        if (!json_is_true(json_object_get(what, "searchable")))
            return error_set(err, ERROR_CONFIG, "--fields %s: the field can't be searched", field);
        if (odd > 0 && strcmp(type, "text") == 0)
            log_message(
                LOG_WARNING,
                "--fields %s: of its type, text, single words are compared, most often in "
                "lower case: %zu of the terms have blanks or capitals, and may never be found",
                field, odd);
    }
    return true;
}

bool fields_check(struct question_hosts *hosts, const char *index, const char *const *fields,
                  size_t odd, struct error *err)
{
    struct question_answer a;
    struct buffer after;
    struct ask ask = {.method = "GET", .index = index, .privilege = "read"};
    buffer_init(&after, PATH_MAX_BYTES);
    buffer_append_string(&after, "/_field_caps?fields=");
    for (size_t i = 0; fields[i] != NULL; i++) {
        buffer_append_string(&after, i > 0 ? "%2C" : "");
        admin_append_encoded(&after, fields[i]);
    }
    ask.after = buffer_string(&after);
    question_answer_init(&a, ASK_ANSWER_MAX_BYTES);
    bool ok = buffer_check(&after, "--fields", err) && ask_cluster(hosts, &ask, &a, err);
    for (size_t i = 0; ok && fields[i] != NULL; i++)
        ok = check_field(fields[i], json_object_get(a.json, "fields"), odd, err);
    question_answer_free(&a);
    buffer_free(&after);
    return ok;
}
