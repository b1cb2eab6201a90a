/* log.c: see log.h. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"

enum { LINE_BYTES = 4096 };

static struct {
    pthread_mutex_t lock; // guards the stream and the display
    enum log_format format;
    enum log_level level;
    void (*hide)(void);
    void (*show)(void);
} logger = {.lock = PTHREAD_MUTEX_INITIALIZER, .format = LOG_TEXT, .level = LOG_INFO};

void log_configure(enum log_format format, enum log_level level)
{
    logger.format = format;
    logger.level = level;
}

void log_set_display(void (*hide)(void), void (*show)(void))
{
    pthread_mutex_lock(&logger.lock);
    logger.hide = hide;
    logger.show = show;
    pthread_mutex_unlock(&logger.lock);
}

void log_update_display(void (*update)(void *context), void *context)
{
    pthread_mutex_lock(&logger.lock);
    if (logger.hide != NULL)
        logger.hide();
    update(context);
    if (logger.show != NULL)
        logger.show();
    pthread_mutex_unlock(&logger.lock);
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_ERROR:
        return "error";
    case LOG_WARNING:
        return "warning";
    case LOG_INFO:
        return "info";
    case LOG_DEBUG:
        return "debug";
    }
    return "info";
}

/* Bytes that are no UTF-8, or a character that was cut at the line's end, must not cost the line. */
static void keep_ascii(char *message)
{
    for (char *c = message; *c != '\0'; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
}

static void write_json(enum log_level level, const char *now, char *message)
{
    json_t *text_value = json_string(message);
    if (text_value == NULL)
        keep_ascii(message);
    json_decref(text_value);
    json_t *line = json_pack("{s:s,s:s,s:s%}", "time", now, "level", level_name(level), "message",
                             message, strlen(message));
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    if (text != NULL)
        fprintf(stderr, "%s\n", text);
    free(text);
    json_decref(line);
}

/* systemd.exec(5): JOURNAL_STREAM names the journal's device and inode. A program started from a
 * service's shell inherits the variable, so being set is not enough. */
static bool is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char own[64];
    struct stat st;
    if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
        return false;
    snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, own) == 0;
}

static void write_text(enum log_level level, const char *now, const char *message)
{
    if (is_journal())
        fprintf(stderr, "<%d>bobbin: %s\n", (int)level, message);
    else if (level == LOG_INFO)
        fprintf(stderr, "%s %s\n", now, message);
    else
        fprintf(stderr, "%s %s: %s\n", now, level_name(level), message);
}

void log_message(enum log_level level, const char *format, ...)
{
    if (level > logger.level)
        return;
    char message[LINE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    for (char *c = message; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) // nor can it steer a terminal
            *c = ' ';

    char now[CLOCK_TEXT_BYTES];
    clock_format(clock_wall_ms(), now);
    pthread_mutex_lock(&logger.lock);
    if (logger.hide != NULL)
        logger.hide();
    if (logger.format == LOG_JSON)
        write_json(level, now, message);
    else
        write_text(level, now, message);
    if (logger.show != NULL)
        logger.show();
    pthread_mutex_unlock(&logger.lock);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool ends_value(char c, bool is_url)
{
    return c == '\0' || is_blank(c) || (is_url && (c == '&' || c == '#'));
}

/* The end of a password in a conninfo string (libpq manual, 34.1.1.1: quotes, backslashes) or in the
 * query part of a URL. */
static const char *skip_value(const char *value, bool is_url)
{
    if (*value != '\'' || is_url) {
        for (; !ends_value(*value, is_url); value++)
            if (*value == '\\' && value[1] != '\0' && !is_url)
                value++;
        return value;
    }
    for (value++; *value != '\0' && *value != '\''; value++)
        if (*value == '\\' && value[1] != '\0')
            value++;
    return *value == '\'' ? value + 1 : value;
}

/* Where the password in an authority starting at TEXT lies, or NULL. */
static const char *authority_password(const char *text, const char **end)
{
    const char *stop = text + strcspn(text, "/?# \t");
    const char *at = NULL;
    for (const char *c = text; c < stop; c++)
        if (*c == '@')
            at = c;
    const char *colon = at ? memchr(text, ':', (size_t)(at - text)) : NULL;
    *end = at;
    return colon ? colon + 1 : NULL;
}

void log_redact(struct buffer *out, const char *text)
{
    bool is_url = false; // the word at hand
    while (*text != '\0') {
        const char *secret = NULL;
        const char *end = NULL;
        if (is_blank(*text))
            is_url = false;
        if (strncmp(text, "://", 3) == 0) {
            is_url = true;
            secret = authority_password(text + 3, &end);
        } else if (strncasecmp(text, "password", 8) == 0 &&
                   text[8 + strspn(text + 8, " ")] == '=') {
            secret = text + 8 + strspn(text + 8, " ") + 1;
            secret += strspn(secret, " ");
            end = skip_value(secret, is_url);
        }
        if (secret == NULL) {
            buffer_append_byte(out, *text++);
            continue;
        }
        buffer_append(out, text, (size_t)(secret - text));
        buffer_append_string(out, "***");
        text = end;
    }
}

bool log_has_secret(const char *text)
{
    struct buffer redacted;
    buffer_init(&redacted, SIZE_MAX);
    log_redact(&redacted, text);
    bool has = redacted.has_failed || strcmp(buffer_string(&redacted), text) != 0;
    buffer_free(&redacted);
    return has;
}
