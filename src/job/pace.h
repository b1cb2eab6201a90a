/* pace.h: how many rows the next window has, and for how long windows that fail are survived. */
#ifndef BOBBIN_JOB_PACE_H
#define BOBBIN_JOB_PACE_H

#include "job/job.h"
#include "source/pg.h"

struct pace {
    uint64_t window_rows; // of the next window
    uint64_t most_rows;
    unsigned attempts;   // failures in a row without a new row
    int64_t progress_ms; // when new rows came last
    int64_t give_up_after_ms;
};

/* Windows of --window-rows, --give-up-after from now on. */
void pace_begin(struct pace *p, const struct job_options *o);

/* New rows came: the time until it is given up begins anew. */
void pace_progress(struct pace *p);

/* MS went by that were not the source's. */
void pace_forgive(struct pace *p, int64_t ms);

/* A window was read whole: the next one may have twice its rows, up to --window-rows. */
void pace_grow(struct pace *p);

/* A window failed with ERR. True: its cause may pass; waited, and ERR is cleared. The next window has half the
 * rows when the server cancelled this one. PG: its connection, or NULL. Errors: ERR itself, when it is not
 * ERROR_UNAVAILABLE or --give-up-after is over; ERROR_STOPPED. */
MUST_CHECK bool pace_survive(struct pace *p, const struct pg *pg, struct error *err);

#endif
