/* join_internal.h: what join.c and join_judge.c share. Nobody else includes it. */
#ifndef BOBBIN_JOB_JOIN_INTERNAL_H
#define BOBBIN_JOB_JOIN_INTERNAL_H

#include "job/join.h"

struct judging {
    join_tell *tell;
    void *context;
    struct join_counts *counts;
};

/* RECORDS are all COUNT of one id, in the order of their kinds: count them, and tell what is wrong. */
bool join_judge(const struct judging *j, const struct join_record *records, size_t count,
                struct error *err);

#endif
