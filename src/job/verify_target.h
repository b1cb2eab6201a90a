/* verify_target.h: is the index what the query says? By numbers, or document by document; and repair. */
#ifndef BOBBIN_JOB_VERIFY_TARGET_H
#define BOBBIN_JOB_VERIFY_TARGET_H

#include "job/compare.h"
#include "job/job.h"

struct verify_wish {
    bool is_deep;       // compare every document, not only their number
    bool repairs;       // and send what is not right
    bool deletes_extra; // and delete what the query doesn't have
};

struct verify_target_report {
    uint64_t query,
        index;     // documents that the query gives and that the index has, before any repair
    uint64_t dead; // dead letters of the job
    bool is_part;  // --from, --to: the index may have documents of other ranges
    struct compare_counts counts; // when deep
    uint64_t sent;                // operations of the repair
    uint64_t left;                // differences that it left alone
    struct index_job job;         // after it
};

/* Called for each difference: NAME as verify_difference_name gives it. */
typedef void verify_tell_difference(void *context, const char *name, struct slice id);

/* "missing", "different", "extra", "undeleted", "double", "refused". */
const char *verify_difference_name(enum join_verdict verdict);

/* Open the spool of O's job: ERROR_CONFIG when it is another's or there is none. With REPAIRS it is locked for
 * both stages. */
MUST_CHECK bool verify_open_spool(const struct job_options *o, bool repairs, struct spool **s,
                                  struct error *err);

/* Compare what S's job reads with what its index has. Without S (NULL; then WISH is no repair) nothing is known of dead letters,
 * and what was refused is missing. Extra documents are neither counted nor told of when the
 * job reads only a range. Errors: ERROR_DIFFERENT when they differ, and dead letters are not the reason for
 * all of it; ERROR_DEAD_LETTERS when they are; those of dump_open, replay_open, compare.h and
 * repair.h; ERROR_CONFIG for a repair of a job whose dump is not finished. REPORT holds what was found
 * when *HAS_REPORT. */
MUST_CHECK bool verify_target(const struct job_options *o, const struct verify_wish *wish,
                              struct spool *s, verify_tell_difference *tell, void *context,
                              struct verify_target_report *report, bool *has_report,
                              struct error *err);

#endif
