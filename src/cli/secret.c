/* secret.c: see secret.h. */
#include "cli/secret.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "sink/url.h"

enum { SECRET_MAX_BYTES = 64 << 10 };

static bool is_secret_header(const char *header)
{
    static const char *const names[] = {"Authorization", "Proxy-Authorization", "Cookie",
                                        "X-Api-Key", "X-Amz-Security-Token"};
    size_t length = strcspn(header, ": \t");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (length == strlen(names[i]) && strncasecmp(header, names[i], length) == 0)
            return true;
    return false;
}

bool secret_check_argument(const char *option, const char *value, struct error *err)
{
    const char *remedy = NULL;
    if (strcmp(option, "dsn") == 0 && log_has_secret(value))
        remedy =
            "give it in PGPASSWORD, .pgpass or a service file, or the whole in BOBBIN_DSN or a "
            "config file";
    else if (strcmp(option, "coordinator") == 0 && log_has_secret(value))
        remedy = "give it in .pgpass or a service file, or the whole in BOBBIN_COORDINATOR or a "
                 "config file";
    else if (strcmp(option, "url") == 0 && url_may_have_password(value))
        remedy = "give --user and --password-file, or the whole in BOBBIN_URL or a config file";
    else if (strcmp(option, "proxy") == 0 && url_may_have_password(value))
        remedy = "give --proxy-user and --proxy-password-file, or the whole in BOBBIN_PROXY or a "
                 "config file";
    else if (strcmp(option, "terms") == 0 && log_has_secret(value))
        remedy = "give the URL in BOBBIN_TERMS or a config file";
    else if (strcmp(option, "header") == 0 && is_secret_header(value))
        remedy = "give it in BOBBIN_HEADER or a config file";
    return remedy == NULL ||
           error_set(err, ERROR_USAGE,
                     "--%s has a secret in it, and others can see the command line: %s", option,
                     remedy);
}

bool secret_read_file(const char *path, char **out, struct error *err)
{
    struct buffer content;
    buffer_init(&content, SECRET_MAX_BYTES);
    bool ok = file_read_whole(path, &content, err);
    while (ok && content.size > 0 && strchr("\r\n", content.data[content.size - 1]) != NULL)
        content.size--;
    *out = ok ? strdup(buffer_string(&content)) : NULL;
    if (content.data != NULL)
        explicit_bzero(content.data, content.capacity);
    buffer_free(&content);
    return *out != NULL || (ok && error_set_memory(err));
}

bool secret_is_exposed(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IROTH) != 0;
}

void secret_free(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}
