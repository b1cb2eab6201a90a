/* compare.h: every document of an index with every row of a job's query: what is missing, different, or too
 * much. Reads both whole, holds neither: see join.h. Changes nothing. */
#ifndef BOBBIN_JOB_COMPARE_H
#define BOBBIN_JOB_COMPARE_H

#include "job/join.h"
#include "job/rows.h"
#include "sink/http.h"

struct compare_input {
    const struct job_options *options;
    struct dump *dump;   // opened
    struct rows *rows;   // of DUMP
    struct spool *spool; // its dead letters; or NULL
    struct http *http;   // the cluster, at
    const char *host;    // base URL
    const char *index;   // the job's
    struct scratch *scratch;
};

struct compare_counts {
    struct join_counts join;
    uint64_t elsewhere; // rows that name another index: not compared
    uint64_t unfit;     // rows that can't be documents: dead letters
};

/* TELL is called for each difference. A table or an index that changes meanwhile gives differences of its
 * own. Errors: those of rows.h, search.h, join.h; ERROR_CONFIG when the index keeps no _source;
 * ERROR_DISK for the dead-letter file. */
MUST_CHECK bool compare(const struct compare_input *in, join_tell *tell, void *context,
                        struct compare_counts *counts, struct error *err);

#endif
