/* replay_internal.h: what replay.c, replay_answer.c and replay_guard.c share. Nobody else includes it. */
#ifndef BOBBIN_JOB_REPLAY_INTERNAL_H
#define BOBBIN_JOB_REPLAY_INTERNAL_H

#include "base/fault.h"
#include "job/cluster.h"
#include "job/replay.h"
#include "sink/dead.h"
#include "sink/dead_summary.h"
#include "sink/delivery.h"
#include "sink/gzip.h"
#include "sink/rate.h"
#include "sink/sizing.h"
#include "sink/target.h"
#include "sink/throttle.h"
#include "spool/pieces.h"

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
    struct buffer header;  // the frame's, or all of one that is no bulk body
    struct pieces *pieces; // its body
    struct delivery *delivery;
    struct gzip *gzip; // with --gzip
    size_t host;
    unsigned attempts;   // retries in a row without progress
    unsigned unanswered; // requests in a row that were sent and got no answer
    int64_t due_ms;
    uint64_t done, dead; // documents, when complete
};

/* Watches that the index stays the one that the job fills (replay_guard.c). */
struct guard {
    struct target now;   // what stood behind the index's name at the last look
    struct buffer known; // uuids of all that the job's documents were sent to
    struct buffer url;
    size_t host; // asked next
    bool is_asking;
    int64_t interval_ms;
    int64_t due_ms; // of the next look
};

struct replay {
    const struct job_options *options;
    struct job_live *live;
    struct spool *spool;
    const char *index;
    char *urls[JOB_URLS_MAX];
    size_t url_count;
    struct cluster cluster;
    struct http *http; // the cluster's
    struct throttle *throttle;
    struct buffer path; // of a bulk request: behind the host
    struct buffer url;
    struct slot *slots;
    size_t slot_count;
    size_t in_flight;
    uint64_t next_frame;        // frames below this one have had their turn
    struct sizing sizing;       // of requests
    struct rate rate;           // --max-rate, --max-bandwidth
    uint64_t requests, retries; // since the last acknowledgement
    bool is_wary;               // one request at a time: much is refused, or nothing is known yet
    bool has_more_now;          // a frame had its turn without a request: look for the next at once
    int64_t progress_ms;        // when a document was accepted last
    struct dead_file *dead;
    uint64_t dead_bytes;
    struct buffer dead_lines;     // to be appended with the next acknowledgement
    uint64_t dead_count;          // of the job, those of unfinished frames too
    struct dead_summary refusals; // why, of those that this process saw
    bool is_blocked;              // the index takes no writes, and the log says so
    char last_failure[FAILURE_BYTES];
    struct guard guard;
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

/* --- the index: replay_guard.c --- */

void guard_init(struct guard *g);
void guard_free(struct guard *g);

/* At the start of a replay of r->spool: ERROR_CONFIG unless the index is the one that the job fills;
 * it is remembered in the spool. */
bool guard_begin(struct replay *r, struct error *err);

/* Ask again, beside the requests, when it is time to. The response's owner is &r->guard, and goes to
 * guard_take_answer: ERROR_CONFIG when the index was replaced or is gone; no answer is no error. */
bool guard_ask_if_due(struct replay *r, struct error *err);
bool guard_take_answer(struct replay *r, const struct http_response *response, struct error *err);

/* Ask, and wait for the answer: ERROR_CONFIG as above, or the errors of admin_look. */
bool guard_check_now(struct replay *r, struct error *err);

/* All is sent: is it still there? Asks until there is an answer, or --give-up-after has passed. */
bool guard_conclude(struct replay *r, struct error *err);

#endif
