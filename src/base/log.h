/* log.h: what bobbin says on standard error: one line per message, as text or as JSON.
 *
 * Only job/ and cli/ log; the rooms below return errors. Under systemd (JOURNAL_STREAM) a text line
 * carries its priority as "<N>" (sd-daemon(3)). Passwords in URLs and conninfo strings never
 * appear: pass such strings through log_redact. Safe to call from several threads. */
#ifndef BOBBIN_BASE_LOG_H
#define BOBBIN_BASE_LOG_H

#include "base/buffer.h"

enum log_level { LOG_ERROR = 3, LOG_WARNING = 4, LOG_INFO = 6, LOG_DEBUG = 7 }; // as syslog(3)
enum log_format { LOG_TEXT, LOG_JSON };

/* Set how and how much is logged; before any thread starts. Default: text, LOG_INFO. */
void log_configure(enum log_format format, enum log_level level);

/* Write one line. A newline or another control character inside the message becomes a space. */
void log_message(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

/* Called before and after a line is written, so that a live display can step aside. */
void log_set_display(void (*hide)(void), void (*show)(void));

/* Call UPDATE(CONTEXT) between hiding and showing the display, while nothing is logged. */
void log_update_display(void (*update)(void *context), void *context);

/* Append TEXT to OUT, with "***" for what stands between ":" and "@" in a URL's authority and for
 * the value of password= or sslpassword= in a conninfo string. */
void log_redact(struct buffer *out, const char *text);

/* Would log_redact change TEXT? */
bool log_has_secret(const char *text);

#endif
