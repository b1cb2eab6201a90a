/* url.c: see url.h. */
#include "sink/url.h"

#include <stdlib.h>
#include <strings.h>

#include "base/log.h"

struct parts {
    const char *authority;
    const char *host; // behind user and password
    const char *port; // behind its colon, or NULL
    const char *end;  // of the authority
};

static bool split(const char *url, struct parts *p)
{
    if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
        return false;
    p->authority = strchr(url, '/') + 2;
    p->end = p->authority + strcspn(p->authority, "/?#");
    p->host = p->authority;
    for (const char *c = p->authority; c < p->end; c++)
        if (*c == '@')
            p->host = c + 1;
    const char *from = p->host;
    if (from < p->end && *from == '[') // an IPv6 address has colons of its own
        from = memchr(from, ']', (size_t)(p->end - from));
    const char *colon = from != NULL ? memchr(from, ':', (size_t)(p->end - from)) : NULL;
    p->port = colon != NULL ? colon + 1 : NULL;
    return true;
}

static bool is_port(const char *text, const char *end)
{
    unsigned port = 0;
    if (text == end || end - text > 5)
        return false;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9')
            return false;
        port = port * 10 + (unsigned)(*text - '0');
    }
    return port > 0 && port < 65536;
}

static bool has_space_or_control(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text <= ' ' || *text == 0x7F)
            return true;
    return false;
}

static bool is_host(const char *host, const char *end)
{
    if (host < end && *host == '[')
        return end - host > 2 && memchr(host, ']', (size_t)(end - host)) == end - 1;
    return host < end;
}

static const char *find_fault(const char *url)
{
    struct parts p;
    if (!split(url, &p))
        return "it must begin with http:// or https://";
    if (has_space_or_control(url))
        return "it has a space or a control character in it";
    if (p.port != NULL && !is_port(p.port, p.end))
        return "its port is no number from 1 to 65535; in a password, write / ? # @ as %2F %3F %23 "
               "%40";
    if (!is_host(p.host, p.port != NULL ? p.port - 1 : p.end))
        return "it names no host";
    return NULL;
}

/* A URL with a fault may have a password anywhere before its last "@": none of that is shown. */
bool url_check(const char *url, struct error *err)
{
    const char *fault = find_fault(url);
    if (fault == NULL)
        return true;
    const char *at = strrchr(url, '@');
    return error_set(err, ERROR_CONFIG, "URL \"%s%s\" can't be used: %s", at != NULL ? "..." : "",
                     at != NULL ? at : url, fault);
}

bool url_has_user(const char *url)
{
    struct parts p;
    return split(url, &p) && p.host > p.authority;
}

bool url_may_have_password(const char *url)
{
    struct parts p;
    if (find_fault(url) != NULL)
        return strchr(url, '@') != NULL;
    return split(url, &p) && memchr(p.authority, ':', (size_t)(p.host - p.authority)) != NULL;
}

bool url_is_local(const char *url)
{
    struct parts p;
    if (!split(url, &p))
        return false;
    const char *end = p.port != NULL ? p.port - 1 : p.end;
    size_t size = (size_t)(end - p.host);
    return (size == 9 && strncasecmp(p.host, "localhost", size) == 0) ||
           (size == 5 && strncmp(p.host, "[::1]", size) == 0) ||
           (size > 4 && strncmp(p.host, "127.", 4) == 0 && strspn(p.host, "0123456789.") == size);
}

void url_append_host(struct buffer *out, const char *url)
{
    struct parts p;
    struct buffer whole;
    buffer_init(&whole, out->maximum);
    if (split(url, &p))
        buffer_append(&whole, url, (size_t)(p.end - url));
    log_redact(out, buffer_string(&whole));
    buffer_free(&whole);
}

void url_append_authority(struct buffer *out, const char *url)
{
    struct parts p;
    if (!split(url, &p))
        return;
    bool is_secure = strncasecmp(url, "https", 5) == 0;
    const char *end = p.port != NULL ? p.port - 1 : p.end;
    buffer_append(out, p.host, (size_t)(end - p.host));
    if (p.port != NULL && strtoul(p.port, NULL, 10) != (is_secure ? 443 : 80))
        buffer_append_format(out, ":%lu", strtoul(p.port, NULL, 10));
}

void url_split_target(const char *url, struct slice *path, struct slice *query)
{
    struct parts p;
    *path = *query = (struct slice){url, 0};
    if (!split(url, &p))
        return;
    *path = (struct slice){p.end, strcspn(p.end, "?#")};
    const char *behind = p.end + path->size;
    if (*behind == '?')
        *query = (struct slice){behind + 1, strcspn(behind + 1, "#")};
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void url_append_encoded(struct buffer *out, char byte)
{
    if (is_unreserved(byte))
        buffer_append_byte(out, byte);
    else
        buffer_append_format(out, "%%%02X", (unsigned)(unsigned char)byte);
}

char url_decode_at(struct slice text, size_t *at)
{
    char digits[3] = "", *end;
    if (text.data[*at] != '%' || text.size - *at < 3)
        return text.data[*at];
    memcpy(digits, text.data + *at + 1, 2);
    unsigned long byte = strtoul(digits, &end, 16);
    if (end != digits + 2 || digits[0] == '+' || digits[0] == '-' || digits[0] == ' ')
        return text.data[*at];
    *at += 2;
    return (char)byte;
}

void url_append_redirect(struct buffer *out, const char *target)
{
    struct buffer whole;
    buffer_init(&whole, out->maximum);
    buffer_append(&whole, target, strcspn(target, "?#"));
    buffer_append_string(out, "it redirects to ");
    log_redact(out, buffer_string(&whole));
    buffer_append_string(out, "; redirects are not followed: give --url where it leads");
    buffer_free(&whole);
}
