/* process.h: child processes: started, listened to, asked to end, reaped.
 *
 * A child reads and writes /dev/null; its standard error is a pipe of lines to us. It has no other open
 * file of ours, no signal blocked or ignored, and a process group of its own, so that a terminal's Ctrl-C
 * is for us alone. It gets SIGTERM when the thread that started it ends, in whatever way (prctl(2),
 * PR_SET_PDEATHSIG). A struct is for one thread at a time. */
#ifndef BOBBIN_BASE_PROCESS_H
#define BOBBIN_BASE_PROCESS_H

#include "base/buffer.h"

struct process;

#define PROCESS_SELF "/proc/self/exe" // the program that runs now, even when its file was replaced

enum { PROCESS_LINE_BYTES = 8192, PROCESS_NOT_RUN = 127, PROCESS_BY_SIGNAL = 128 };

/* Start the program PATH with ARGV, of which the last is NULL. One that can't be run is a child that says so
 * and ends with PROCESS_NOT_RUN. ERROR_MEMORY when there is no room for another process. */
MUST_CHECK bool process_start(struct process **out, const char *path, char *const argv[],
                              struct error *err);

/* Readable when a line may have come, and when the child has ended; -1 when all was read. Only to poll. */
int process_fd(const struct process *p);

/* The next line that the child wrote, without its newline, good until the next call. False: there is none
 * now. A line of more than PROCESS_LINE_BYTES comes in pieces. */
bool process_read_line(struct process *p, struct slice *line);

/* What waitpid(2) says of a process that has ended: its exit status, or PROCESS_BY_SIGNAL + the signal. */
int process_status_of(int raw);

/* Has it ended? *STATUS: its exit status, or PROCESS_BY_SIGNAL + the signal. Doesn't wait; its last lines
 * can still be read. */
bool process_has_ended(struct process *p, int *status);

/* Send it SIGNAL_NUMBER, unless it has ended. */
void process_signal(struct process *p, int signal_number);

/* Kill it if it still runs, reap it, and free P. NULL is ignored. */
void process_free(struct process *p);

#endif
