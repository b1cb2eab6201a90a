/* task.h: one task: what is to be done, what has become of it, and how both are told. Pure, but for the
 * random number of a new one. */
#ifndef BOBBIN_SERVE_TASK_H
#define BOBBIN_SERVE_TASK_H

#include "serve/wish.h"

enum {
    TASK_ID_BYTES = 32 + 1, // hexadecimal digits, and the zero byte
    TASK_ERROR_BYTES = ERROR_MESSAGE_BYTES + 64,
    TASK_TIME_BYTES = sizeof "2026-01-02 03:04:05.678000",
    TASK_RECORD_MAX_BYTES = 64 << 10,
};

enum task_state {
    TASK_ACTIVE, // waiting or running: also after the server was stopped
    TASK_DONE,
    TASK_FAILED,
    TASK_STOPPED, // on request
};

/* Of the job's index (spool/index.h). */
struct task_counts {
    uint64_t total; // the rows there are; 0: not known yet
    uint64_t read, acknowledged, dead, retries;
};

struct task {
    char id[TASK_ID_BYTES];
    struct wish wish;
    enum task_state state;
    int64_t started_ms, finished_ms; // wall clock: when it was accepted, when it ended; 0 not yet
    struct task_counts counts;
    char error
        [TASK_ERROR_BYTES]; // why it ended or, while it is active, is to be tried again; "": neither
    /* not on disk */
    bool is_running;   // a child works on it
    bool wants_stop;   // it was asked to
    unsigned failures; // of the child, one after the other, without any progress
    int64_t
        progressed_ms; // monotonic clock: when there was some last, or it was first taken up; 0 not yet
    int64_t not_before_ms; // the same: when the child may be started again
};

/* Begin a task that is to do WISH, with a random id. ERROR_MEMORY when the system has no random numbers. */
MUST_CHECK bool task_begin(struct task *out, const struct wish *wish, int64_t wall_ms,
                           struct error *err);

/* The percentage of the rows that are in the index, with two decimals; 100 when it is done, and only then. */
double task_progress(const struct task *t);

/* "active", "done", "failed" or "stopped". */
const char *task_state_name(enum task_state state);

/* Write WALL_MS as "YYYY-MM-DD HH:MM:SS.ffffff" in UTC. */
void task_format_time(int64_t wall_ms, char out[TASK_TIME_BYTES]);

/* What GET /task/ID says; a new reference, NULL for lack of memory. */
struct json_t *task_to_json(const struct task *t);

/* Append what is kept on disk to OUT, and read it back. ERROR_DAMAGED when TEXT is no such record. */
MUST_CHECK bool task_put_record(const struct task *t, struct buffer *out, struct error *err);
MUST_CHECK bool task_read_record(struct task *out, struct slice text, struct error *err);

/* Is TEXT 32 hexadecimal digits, in small letters? */
bool task_is_id(const char *text);

#endif
