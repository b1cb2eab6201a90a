/* rate.h: how soon the next bulk request may follow the last, so that a cluster which also serves searches
 * gets no more than so much a second. Pure: times are passed in (clock_monotonic_ms).
 *
 * A request is paid for when it is sent: the next waits as long as its documents, or its bytes, are allowed to take. */
#ifndef BOBBIN_SINK_RATE_H
#define BOBBIN_SINK_RATE_H

#include <stdint.h>

struct rate {
    uint64_t documents; // a second; 0: any number
    uint64_t bytes;
    double free_at_ms; // the next request may be sent then
};

void rate_init(struct rate *r, uint64_t documents, uint64_t bytes);

/* How long the next request has to wait; 0: not at all. */
int64_t rate_wait_ms(const struct rate *r, int64_t now_ms);

/* A request of so much is sent now. What it came too late, up to 100 ms, is made up for. */
void rate_sent(struct rate *r, int64_t now_ms, uint64_t documents, uint64_t bytes);

#endif
