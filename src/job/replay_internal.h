/* replay_internal.h: what replay.c and replay_answer.c share. Nobody else includes it. */
#ifndef BOBBIN_JOB_REPLAY_INTERNAL_H
#define BOBBIN_JOB_REPLAY_INTERNAL_H

#include "base/fault.h"
#include "job/replay.h"
#include "sink/dead.h"
#include "sink/dead_summary.h"
#include "sink/delivery.h"
#include "sink/throttle.h"

enum { FAILURE_BYTES = 512 };

enum slot_state {
    SLOT_FREE,
    SLOT_WAITING, // to be sent, when it is due
    SLOT_IN_FLIGHT,
    SLOT_COMPLETE, // every document has its verdict: to be acknowledged
};

/* One frame on its way, and the request that carries (some of) its documents. */
struct slot {
    enum slot_state state;
    struct index_frame frame;
    struct delivery *delivery;
    size_t host;
    unsigned attempts; // retries in a row without progress
    int64_t due_ms;
    uint64_t done, dead; // documents, when complete
};

struct replay {
    const struct job_options *options;
    struct job_live *live;
    struct spool *spool;
    const char *index;
    char *urls[JOB_URLS_MAX];
    size_t url_count;
    struct http_options http_options; // borrowed by http
    struct http *http;
    struct throttle *throttle;
    struct buffer path; // of a bulk request: behind the host
    struct buffer url;
    struct slot *slots;
    size_t slot_count;
    size_t in_flight;
    uint64_t next_frame;        // frames below this one have had their turn
    uint64_t most_bytes;        // of a request: what a 413 has taught
    uint64_t requests, retries; // since the last acknowledgement
    bool is_wary;               // one request at a time: much is refused, or nothing is known yet
    bool has_more_now;          // a frame had its turn without a request: look for the next at once
    int64_t progress_ms;        // when a document was accepted last
    struct dead_file *dead;
    uint64_t dead_bytes;
    struct buffer dead_lines;     // to be appended with the next acknowledgement
    uint64_t dead_count;          // of the job, those of unfinished frames too
    struct dead_summary refusals; // why, of those that this process saw
    char last_failure[FAILURE_BYTES];
};

/* What RESPONSE means for SLOT's frame: complete, to be sent again, or (an error) the end. */
bool replay_take_answer(struct replay *r, struct slot *slot, const struct http_response *response,
                        struct error *err);

/* --- dead letters: replay_dead.c --- */

/* SLOT holds a frame of rows that could not become documents: its BODY is dead letters. */
bool replay_take_dead_rows(struct replay *r, struct slot *slot, struct slice body,
                           struct error *err);

/* COUNT more documents of SLOT's frame are refused, the last ones of its delivery. As
 * replay_check_dead. */
bool replay_count_refusals(struct replay *r, const struct slot *slot, size_t count,
                           struct error *err);

/* ERROR_DEAD_LETTERS when there are more than --max-dead: what they are is logged. */
bool replay_check_dead(struct replay *r, struct error *err);

/* SLOT's frame is complete: what was refused of it becomes dead letters, which may not be durable yet.
 * It must be acknowledged with the next commit. */
bool replay_put_dead_letters(struct replay *r, const struct slot *slot, struct error *err);

/* Make them durable. */
bool replay_sync_dead_letters(struct replay *r, struct error *err);

#endif
