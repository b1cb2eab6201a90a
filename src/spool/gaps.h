/* gaps.h: which keys of a job's range do its frames leave out? Pure; for rebuild.h, which says how a gap is
 * known. */
#ifndef BOBBIN_SPOOL_GAPS_H
#define BOBBIN_SPOOL_GAPS_H

#include "spool/index.h"

struct gaps;

/* Called for each gap, whose keys are good during the call. */
typedef bool gaps_teller(void *context, const struct key_range *gap, struct error *err);

/* RANGE, borrowed, is the job's. */
MUST_CHECK bool gaps_new(struct gaps **out, const struct key_range *range, gaps_teller *tell,
                         void *context, struct error *err);
void gaps_free(struct gaps *g);

/* Take the next frame, in the order of numbers. */
MUST_CHECK bool gaps_add_frame(struct gaps *g, const struct index_frame *frame, struct error *err);

/* No frame follows. */
MUST_CHECK bool gaps_finish(struct gaps *g, struct error *err);

#endif
