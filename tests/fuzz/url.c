/* url.c: fuzzes what reads URLs and what hides passwords: a URL that is accepted is named without its
 * password, and a logged text loses the password of a URL in it. */
#include "sink/url.h"
#include "base/log.h"
#include "fuzz.h"

/* Put the input where a URL has its password: "https://u:PASSWORD@host". */
static void require_hidden(const char *password)
{
    struct buffer url, out;
    buffer_init(&url, SIZE_MAX);
    buffer_init(&out, SIZE_MAX);
    buffer_append_format(&url, "https://u:%s@host", password);
    struct error err = {.kind = ERROR_NONE};
    if (url_check(buffer_string(&url), &err) && strlen(password) > 4 &&
        strpbrk(password, "@:/?#*") == NULL && strstr("https://u:***@host", password) == NULL) {
        url_append_host(&out, buffer_string(&url));
        fuzz_require(strstr(buffer_string(&out), password) == NULL);
        buffer_clear(&out);
        log_redact(&out, buffer_string(&url));
        fuzz_require(strstr(buffer_string(&out), password) == NULL);
    }
    buffer_free(&url);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer text, out;
    struct error err = {.kind = ERROR_NONE};
    buffer_init(&text, SIZE_MAX);
    buffer_init(&out, SIZE_MAX);
    for (size_t i = 0; i < size; i++)
        buffer_append_byte(&text, data[i] == '\0' ? ' ' : (char)data[i]);
    if (url_check(buffer_string(&text), &err)) {
        url_append_host(&out, buffer_string(&text));
        (void)url_has_user(buffer_string(&text));
    }
    log_redact(&out, buffer_string(&text));
    require_hidden(buffer_string(&text));
    buffer_free(&text);
    buffer_free(&out);
    return 0;
}
