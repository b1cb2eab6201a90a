/* error.c: see error.h. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NO_RETRY = false, RETRY = true };

static const struct {
    const char *name;
    int status;
    bool is_retryable;
} kinds[] = {
    [ERROR_NONE] = {"NONE", 0, false},
#define KIND(name, status, retry, sentence) [ERROR_##name] = {#name, status, retry},
#include "base/errors.def"
#undef KIND
};

static PRINTF_LIKE(3, 0) void set_message(struct error *err, enum error_kind kind,
                                          const char *format, va_list args)
{
    char message[ERROR_MESSAGE_BYTES]; // a copy: an argument may be ERR's own message
    vsnprintf(message, sizeof message, format, args);
    memcpy(err->message, message, sizeof message);
    err->kind = kind;
}

static void append_message(struct error *err, const char *separator, const char *text)
{
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, "%s%s", separator, text);
}

bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_message(err, kind, format, args);
    va_end(args);
    return false;
}

bool error_set_errno(struct error *err, enum error_kind kind, const char *format, ...)
{
    int cause = errno;
    va_list args;
    va_start(args, format);
    set_message(err, kind, format, args);
    va_end(args);
    append_message(err, ": ", strerror(cause));
    return false;
}

bool error_set_memory(struct error *err)
{
    return error_set(err, ERROR_MEMORY, "out of memory");
}

bool error_wrap(struct error *err, const char *format, ...)
{
    char inner[ERROR_MESSAGE_BYTES];
    memcpy(inner, err->message, sizeof inner);
    va_list args;
    va_start(args, format);
    set_message(err, err->kind, format, args);
    va_end(args);
    append_message(err, ": ", inner);
    return false;
}

bool error_hint(struct error *err, const char *format, ...)
{
    char hint[ERROR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(hint, sizeof hint, format, args);
    va_end(args);
    append_message(err, "; ", hint);
    return false;
}

static bool is_worse(enum error_kind kind, enum error_kind than)
{
    if (kind == ERROR_NONE)
        return false;
    if (than == ERROR_NONE || than == ERROR_STOPPED)
        return true;
    return kinds[than].is_retryable && !kinds[kind].is_retryable;
}

void error_take_worse(struct error *err, const struct error *other)
{
    if (is_worse(other->kind, err->kind))
        *err = *other;
}

int error_exit_status(enum error_kind kind)
{
    return kinds[kind].status;
}

const char *error_kind_name(enum error_kind kind)
{
    return kinds[kind].name;
}

bool error_is_retryable(enum error_kind kind)
{
    return kinds[kind].is_retryable;
}
