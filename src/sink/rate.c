/* rate.c: see rate.h. */
#include "sink/rate.h"

enum { SECOND_MS = 1000, LATE_MS = 100 };

void rate_init(struct rate *r, uint64_t documents, uint64_t bytes)
{
    *r = (struct rate){.documents = documents, .bytes = bytes};
}

int64_t rate_wait_ms(const struct rate *r, int64_t now_ms)
{
    double wait = r->free_at_ms - (double)now_ms;
    return wait > 0 ? (int64_t)wait + 1 : 0;
}

static double time_for(uint64_t amount, uint64_t a_second)
{
    return a_second == 0 ? 0 : (double)amount * SECOND_MS / (double)a_second;
}

void rate_sent(struct rate *r, int64_t now_ms, uint64_t documents, uint64_t bytes)
{
    double for_documents = time_for(documents, r->documents);
    double for_bytes = time_for(bytes, r->bytes);
    double earliest = (double)(now_ms - LATE_MS);
    if (r->free_at_ms < earliest)
        r->free_at_ms = earliest;
    r->free_at_ms += for_documents > for_bytes ? for_documents : for_bytes;
}
