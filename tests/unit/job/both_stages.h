/* both_stages.h: for the tests of whole jobs: a canned PostgreSQL's eight rows go in two frames to a canned
 * cluster. */
#ifndef BOBBIN_TESTS_BOTH_STAGES_H
#define BOBBIN_TESTS_BOTH_STAGES_H

#include "dumped.h"
#include "replayed.h"

static inline void both_stages_set_up(void)
{
    replayed_forget_proxies();
    dumped_set_up();
    dumped_options.to = "8"; // two frames of four documents
    dumped_options.frame_bytes = 190;
    dumped_options.segment_bytes = 64 << 10;
    dumped_options.in_flight = 1;
    dumped_options.request_timeout_ms = 20000;
}

static inline void both_stages_start(const struct canned_rule *rules, size_t rule_count,
                                     const struct canned_answer *answers, size_t answer_count)
{
    canned_postgres_start(&dumped_server, rules, rule_count);
    replayed_start_cluster(answers, answer_count);
    dumped_options.urls[0] = replayed_server.host;
}

#endif
