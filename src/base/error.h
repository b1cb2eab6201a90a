/* error.h: one small error type. Its kind decides the exit status; its message gains context on its
 * way up, so that what the user reads names the thing (file, table, host) and what to do.
 *
 * Convention: a function that can fail returns false after it filled ERR; the first error wins. The
 * end of a stream, "not found" and a full spool are values, not errors. */
#ifndef BOBBIN_BASE_ERROR_H
#define BOBBIN_BASE_ERROR_H

#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

enum error_kind {
    ERROR_NONE = 0,
#define KIND(name, status, retry, sentence) ERROR_##name,
#include "base/errors.def"
#undef KIND
};

enum { ERROR_MESSAGE_BYTES = 1024 }; // longer messages are cut at the end

struct error {
    enum error_kind kind;
    char message[ERROR_MESSAGE_BYTES];
};

/* Fill ERR. Always returns false, so that a caller can write `return error_set(...)`. */
bool error_set(struct error *err, enum error_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);

/* As error_set, with ": " and the text of errno behind the message. */
bool error_set_errno(struct error *err, enum error_kind kind, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Fill ERR for an allocation that failed. Returns false. */
bool error_set_memory(struct error *err);

/* Put "context: " in front of the message. Returns false. */
bool error_wrap(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Put "; hint" behind the message. Returns false. */
bool error_hint(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* ERR becomes OTHER, the error of another thread, when that says more: it is the first one, or ERR only
 * tells of a stop that OTHER may have caused, or trying again would help against ERR alone. */
void error_take_worse(struct error *err, const struct error *other);

/* The exit status (sysexits(3)) of a kind; 0 for ERROR_NONE. */
int error_exit_status(enum error_kind kind);

/* The name of a kind as errors.def writes it, for JSON and tests. */
const char *error_kind_name(enum error_kind kind);

/* Does it help to try the same call again? */
bool error_is_retryable(enum error_kind kind);

#endif
