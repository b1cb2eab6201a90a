/* aws_credentials.c: see aws_credentials.h. */
#include "sink/aws_credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/ini_file.h"

static void wipe(char **text)
{
    if (*text != NULL)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

void aws_credentials_free(struct aws_credentials *c)
{
    wipe(&c->key_id);
    wipe(&c->secret);
    wipe(&c->token);
    c->expires_ms = 0;
}

/* Put a copy of TEXT, unless it is NULL or empty, in place of *FIELD. */
static bool set(char **field, const char *text, struct error *err)
{
    if (text == NULL || text[0] == '\0')
        return true;
    wipe(field);
    *field = strdup(text);
    return *field != NULL || error_set_memory(err);
}

static bool is_whole(const struct aws_credentials *c)
{
    return c->key_id != NULL && c->secret != NULL;
}

/* Half of them are none. */
static bool keep_whole(struct aws_credentials *c, bool ok)
{
    if (!ok || !is_whole(c))
        aws_credentials_free(c);
    return ok;
}

bool aws_credentials_from_environment(struct aws_credentials *out, struct error *err)
{
    *out = (struct aws_credentials){NULL, NULL, NULL, 0};
    return keep_whole(out, set(&out->key_id, getenv("AWS_ACCESS_KEY_ID"), err) &&
                               set(&out->secret, getenv("AWS_SECRET_ACCESS_KEY"), err) &&
                               set(&out->token, getenv("AWS_SESSION_TOKEN"), err));
}

/* --- the shared file --- */

struct profile {
    const char *name;
    struct aws_credentials *out;
};

static bool take_line(void *context, const char *section, const char *name, const char *value,
                      struct error *err)
{
    struct profile *p = context;
    if (strcmp(section, p->name) != 0)
        return true;
    if (strcmp(name, "aws_access_key_id") == 0)
        return set(&p->out->key_id, value, err);
    if (strcmp(name, "aws_secret_access_key") == 0)
        return set(&p->out->secret, value, err);
    return strcmp(name, "aws_session_token") != 0 || set(&p->out->token, value, err);
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

bool aws_credentials_from_file(struct aws_credentials *out, struct error *err)
{
    char path[4096];
    const char *wanted = getenv("AWS_PROFILE"), *file = getenv("AWS_SHARED_CREDENTIALS_FILE");
    const char *home = getenv("HOME");
    struct profile profile = {is_set(wanted) ? wanted : "default", out};
    *out = (struct aws_credentials){NULL, NULL, NULL, 0};
    snprintf(path, sizeof path, "%s%s",
             is_set(file)   ? file
             : home != NULL ? home
                            : "",
             is_set(file) ? "" : "/.aws/credentials");
    if (access(path, F_OK) == 0 && !keep_whole(out, ini_file_read(path, take_line, &profile, err)))
        return false;
    return is_whole(out) || !is_set(wanted) ||
           error_set(err, ERROR_CONFIG, "file %s has no keys of profile %s (AWS_PROFILE)", path,
                     wanted);
}

/* --- JSON --- */

/* UTC seconds, perhaps with a fraction; 0 when it is no such time. */
static int64_t parse_time(const char *text)
{
    struct tm tm = {0};
    const char *end = text != NULL ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    return end != NULL && (*end == 'Z' || *end == '.') ? (int64_t)timegm(&tm) * 1000 : 0;
}

static const char *string_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

bool aws_credentials_from_json(struct aws_credentials *out, struct slice text, struct error *err)
{
    json_t *json = json_loadb(text.data, text.size, 0, NULL);
    const char *expiration = string_of(json, "Expiration");
    *out = (struct aws_credentials){NULL, NULL, NULL, parse_time(expiration)};
    bool ok = keep_whole(out, set(&out->key_id, string_of(json, "AccessKeyId"), err) &&
                                  set(&out->secret, string_of(json, "SecretAccessKey"), err) &&
                                  set(&out->token, string_of(json, "Token"), err));
    if (ok && (!is_whole(out) || (expiration != NULL && out->expires_ms == 0))) {
        const char *code = string_of(json, "Code"), *message = string_of(json, "Message");
        aws_credentials_free(out);
        ok = error_set(err, ERROR_UNAVAILABLE, "it answered no credentials%s%s%s%s",
                       code != NULL ? ": " : "", code != NULL ? code : "",
                       message != NULL ? ": " : "", message != NULL ? message : "");
    }
    json_decref(json);
    return ok;
}
