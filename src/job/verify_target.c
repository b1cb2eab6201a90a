/* verify_target.c: see verify_target.h. */
#include "job/verify_target.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "job/repair.h"
#include "sink/search.h"

struct target {
    const struct job_options *options;
    const struct verify_wish *wish;
    struct spool *spool;
    verify_tell_difference *tell;
    void *context;
    struct verify_target_report *report;

    struct buffer select;
    struct job_live live;
    struct dump *dump;
    struct rows *rows;
    struct replay *replay;
    struct scratch *scratch;
    struct repair *repair;
    const char *host;
};

const char *verify_difference_name(enum join_verdict verdict)
{
    static const char *const names[JOIN_VERDICTS] = {
        [JOIN_MISSING] = "missing",     [JOIN_DIFFERENT] = "different", [JOIN_EXTRA] = "extra",
        [JOIN_UNDELETED] = "undeleted", [JOIN_DOUBLE] = "double",       [JOIN_REFUSED] = "refused",
    };
    return names[verdict];
}

bool verify_open_spool(const struct job_options *o, bool repairs, struct spool **s,
                       struct error *err)
{
    struct buffer select, description;
    struct job_id id;
    struct spool_options options = {
        .path = o->spool,
        .roles = repairs ? SPOOL_DUMP | SPOOL_REPLAY : SPOOL_READER,
        .segment_bytes = o->segment_bytes,
        .keeps_segments = o->keep,
    };
    buffer_init(&select, QUERY_MAX_BYTES);
    buffer_init(&description, SPOOL_DESCRIPTION_MAX_BYTES);
    bool ok = job_read_query(o, &select, err) &&
              job_describe(o, buffer_string(&select), &description, &id, err) &&
              spool_open(s, &options, &id, err);
    buffer_free(&select);
    buffer_free(&description);
    if (ok && spool_is_new(*s)) {
        spool_close(*s);
        *s = NULL;
        ok = error_set(err, ERROR_CONFIG, "spool %s: there is none", o->spool);
    }
    return ok;
}

/* --- numbers --- */

/* Refresh at the first host that answers: it is asked from then on. */
static bool refresh(struct target *t, struct error *err)
{
    bool is_done = false, ok = false;
    const char *next = replay_host(t->replay, 0);
    for (size_t i = 1; !ok && next != NULL; i++) {
        *err = (struct error){.kind = ERROR_NONE};
        t->host = next;
        next = replay_host(t->replay, i);
        ok = search_refresh(replay_http(t->replay), t->host, t->options->index, &is_done, err);
        if (!ok && err->kind != ERROR_UNAVAILABLE)
            return false;
    }
    if (ok && !is_done)
        log_message(LOG_WARNING,
                    "index %s can't be refreshed (privilege \"maintenance\"): documents that were "
                    "written lately may seem to be missing",
                    t->options->index);
    return ok;
}

static bool look_at_job(struct target *t, struct error *err)
{
    struct verify_target_report *report = t->report;
    if (t->spool == NULL)
        return true;
    if (!spool_get_job(t->spool, &report->job, err))
        return false;
    report->dead = report->job.dead;
    if (report->job.finished_ms == 0)
        log_message(LOG_WARNING,
                    "the job is not finished: %" PRIu64 " documents are pending%s; bobbin run goes "
                    "on with it",
                    report->job.pending,
                    report->job.dumped_ms == 0 ? ", and rows are still to be read" : "");
    return true;
}

static bool count(struct target *t, struct error *err)
{
    const char *index = t->options->index;
    struct verify_target_report *report = t->report;
    return look_at_job(t, err) && refresh(t, err) &&
           rows_count(t->rows, index, &report->query, err) &&
           search_count(replay_http(t->replay), t->host, index, &report->index, err);
}

static bool judge_counts(const struct target *t, struct error *err)
{
    const struct verify_target_report *r = t->report;
    if (r->query == r->index || (r->is_part && r->query < r->index))
        return true;
    if (r->query == r->index + r->dead + r->job.dropped)
        return error_set(err, ERROR_DEAD_LETTERS,
                         "index %s lacks %" PRIu64 " documents, as many as there are dead letters",
                         t->options->index, r->query - r->index);
    return error_set(err, ERROR_DIFFERENT,
                     "the query gives %" PRIu64 " documents, and index %s has %" PRIu64
                     "; --deep says which differ",
                     r->query, t->options->index, r->index);
}

/* --- documents --- */

/* A join_tell. */
static bool take_verdict(void *context, enum join_verdict verdict, const struct join_record *row,
                         const struct join_record *document, struct error *err)
{
    struct target *t = context;
    bool is_left = true;
    if (verdict == JOIN_EXTRA && t->report->is_part)
        return true;
    t->tell(t->context, verify_difference_name(verdict), row != NULL ? row->id : document->id);
    if (t->repair != NULL && !repair_note(t->repair, verdict, row, document, &is_left, err))
        return false;
    t->report->left += is_left;
    return true;
}

static bool compare_documents(struct target *t, struct error *err)
{
    struct compare_input in = {
        .options = t->options,
        .dump = t->dump,
        .rows = t->rows,
        .spool = t->spool,
        .http = replay_http(t->replay),
        .host = t->host,
        .index = t->options->index,
        .scratch = t->scratch,
    };
    struct compare_counts *counts = &t->report->counts;
    if (!compare(&in, take_verdict, t, counts, err))
        return false;
    if (t->report->is_part)
        counts->join.verdicts[JOIN_EXTRA] = 0;
    if (counts->elsewhere > 0)
        log_message(LOG_WARNING, "%" PRIu64 " rows are for other indices: they are not compared",
                    counts->elsewhere);
    if (counts->join.partial > 0)
        log_message(LOG_WARNING,
                    "%" PRIu64
                    " rows are updates of a part of a document: only whether it is there "
                    "was looked at",
                    counts->join.partial);
    return true;
}

static bool judge_documents(const struct target *t, struct error *err)
{
    const struct verify_target_report *r = t->report;
    uint64_t refused = r->counts.join.verdicts[JOIN_REFUSED];
    if (r->left > refused)
        return error_set(err, ERROR_DIFFERENT, "index %s: %" PRIu64 " differences%s",
                         t->options->index, r->left, t->wish->repairs ? " are left" : "");
    if (t->spool == NULL && r->counts.unfit > 0)
        return error_set(err, ERROR_DEAD_LETTERS,
                         "index %s lacks %" PRIu64 " rows that can't be documents",
                         t->options->index, r->counts.unfit);
    if (refused > 0 || r->counts.unfit > 0 || (t->wish->repairs && r->job.dead > r->dead))
        return error_set(err, ERROR_DEAD_LETTERS,
                         "index %s lacks documents that were refused: see %s/dead.ndjson",
                         t->options->index, t->options->spool);
    return true;
}

/* --- repair --- */

/* What a killed repair or run has left in the spool goes first: it may be what is missing. */
static bool send_pending(struct target *t, struct error *err)
{
    struct index_job job;
    bool is_finished;
    if (!spool_finish_replay(t->spool, &is_finished, err) || !spool_get_job(t->spool, &job, err))
        return false;
    if (is_finished)
        return true;
    if (job.pending > 0 && (!replay_run(t->replay, t->spool, err) ||
                            !spool_finish_replay(t->spool, &is_finished, err)))
        return false;
    return is_finished ||
           error_set(
               err, ERROR_CONFIG,
               "spool %s: the job's rows are not all read yet: finish it with bobbin run, then "
               "repair",
               t->options->spool);
}

static bool repair_all(struct target *t, struct error *err)
{
    bool ok = true;
    if (repair_count(t->repair) > 0) {
        log_message(LOG_INFO, "sending %" PRIu64 " documents and deletes", repair_count(t->repair));
        ok = repair_send(t->repair, t->spool, t->replay, &t->report->sent, err);
    }
    return ok && spool_get_job(t->spool, &t->report->job, err);
}

/* --- all of it --- */

static bool open_both_ends(struct target *t, struct error *err)
{
    const struct job_options *o = t->options;
    return job_read_query(o, &t->select, err) &&
           dump_open(&t->dump, o, buffer_string(&t->select), &t->live, err) &&
           rows_new(&t->rows, t->dump, err) &&
           replay_open(&t->replay, o, o->index, &t->live, err) &&
           replay_ensure_index(t->replay, err);
}

static bool open_scratch(struct target *t, struct error *err)
{
    return t->spool != NULL ? scratch_open(&t->scratch, spool_directory(t->spool), err)
                            : scratch_open_temporary(&t->scratch, err);
}

static bool open_repair(struct target *t, struct error *err)
{
    return open_scratch(t, err) &&
           (!t->wish->repairs || repair_new(&t->repair, t->options, t->dump, t->rows, t->scratch,
                                            t->wish->deletes_extra, err));
}

static bool verify_all(struct target *t, bool *has_report, struct error *err)
{
    const struct verify_wish *wish = t->wish;
    if (!open_both_ends(t, err) || (wish->repairs && !send_pending(t, err)) || !count(t, err))
        return false;
    if (!wish->is_deep) {
        *has_report = true;
        return judge_counts(t, err);
    }
    if (!open_repair(t, err) || !compare_documents(t, err) ||
        (wish->repairs && !repair_all(t, err)))
        return false;
    *has_report = true;
    return judge_documents(t, err);
}

bool verify_target(const struct job_options *o, const struct verify_wish *wish, struct spool *s,
                   verify_tell_difference *tell, void *context, struct verify_target_report *report,
                   bool *has_report, struct error *err)
{
    struct target t = {
        .options = o,
        .wish = wish,
        .spool = s,
        .tell = tell,
        .context = context,
        .report = report,
    };
    *report = (struct verify_target_report){.is_part = job_is_part(o)};
    *has_report = false;
    buffer_init(&t.select, QUERY_MAX_BYTES);
    bool ok = verify_all(&t, has_report, err);
    repair_free(t.repair);
    scratch_close(t.scratch);
    replay_close(t.replay);
    rows_free(t.rows);
    dump_close(t.dump);
    buffer_free(&t.select);
    return ok;
}
