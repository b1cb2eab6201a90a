/* index_records.c: the index's tables, record by record: what record.h makes of bytes, under its number. */
#include "spool/index_check.h"
#include "spool/index_internal.h"

/* A record that was read but whose fields don't fill it exactly. */
static bool check_fields(bool is_good, enum table table, struct error *err)
{
    return is_good ||
           index_damaged(err, "a record of table \"%s\" is malformed", index_table_name(table));
}

static bool get_meta(struct index_txn *txn, enum meta number, struct slice *value, bool *found,
                     struct error *err)
{
    uint64_t at = (uint64_t)number;
    if (!index_next_record(txn, TABLE_META, &at, value, found, err))
        return false;
    *found = *found && at == (uint64_t)number;
    return true;
}

bool index_job_adds_up(const struct index_job *job)
{
    return job->rows == job->acknowledged + job->dead + job->dropped + job->pending;
}

bool index_get_job(struct index_txn *txn, struct index_job *job, bool *found, struct error *err)
{
    struct slice value;
    if (!get_meta(txn, META_JOB, &value, found, err))
        return false;
    if (*found && record_format(value) != RECORD_FORMAT)
        return error_set(err, ERROR_CONFIG,
                         "%s: format %u, and this bobbin reads format %d: finish the job with the "
                         "version that began it",
                         INDEX_FILE, record_format(value), RECORD_FORMAT);
    return !*found || check_fields(record_get_job(value, job), TABLE_META, err);
}

bool index_put_job(struct index_txn *txn, const struct index_job *job, struct error *err)
{
    record_put_job(index_record(txn), job);
    return index_put_record(txn, TABLE_META, META_JOB, err);
}

static bool get_text(struct index_txn *txn, enum meta number, struct slice *text, struct error *err)
{
    bool found;
    struct slice value;
    if (!get_meta(txn, number, &value, &found, err))
        return false;
    *text = found ? value : (struct slice){"", 0};
    return true;
}

static bool put_text(struct index_txn *txn, enum meta number, struct slice text, struct error *err)
{
    buffer_clear(index_record(txn));
    buffer_append(index_record(txn), text.data, text.size);
    return index_put_record(txn, TABLE_META, number, err);
}

bool index_get_description(struct index_txn *txn, struct slice *text, struct error *err)
{
    return get_text(txn, META_DESCRIPTION, text, err);
}

bool index_put_description(struct index_txn *txn, struct slice text, struct error *err)
{
    return put_text(txn, META_DESCRIPTION, text, err);
}

bool index_get_target(struct index_txn *txn, struct slice *uuids, struct error *err)
{
    return get_text(txn, META_TARGET, uuids, err);
}

bool index_put_target(struct index_txn *txn, struct slice uuids, struct error *err)
{
    return put_text(txn, META_TARGET, uuids, err);
}

bool index_get_input(struct index_txn *txn, struct slice *state, struct error *err)
{
    return get_text(txn, META_INPUT, state, err);
}

bool index_put_input(struct index_txn *txn, struct slice state, struct error *err)
{
    return put_text(txn, META_INPUT, state, err);
}

bool index_next_part(struct index_txn *txn, uint32_t number, struct index_part *part, bool *found,
                     struct error *err)
{
    uint64_t at = number;
    struct slice value;
    if (!index_next_record(txn, TABLE_PARTS, &at, &value, found, err))
        return false;
    if (!*found)
        return true;
    part->number = (uint32_t)at;
    return check_fields(record_get_part(value, part), TABLE_PARTS, err);
}

bool index_put_part(struct index_txn *txn, const struct index_part *part, struct error *err)
{
    record_put_part(index_record(txn), part);
    return index_put_record(txn, TABLE_PARTS, part->number, err);
}

static enum table table_of(enum frame_table table)
{
    return table == FRAMES_PENDING ? TABLE_PENDING : TABLE_DONE;
}

bool index_next_frame(struct index_txn *txn, enum frame_table table, uint64_t number,
                      struct index_frame *frame, bool *found, struct error *err)
{
    struct slice value;
    if (!index_next_record(txn, table_of(table), &number, &value, found, err))
        return false;
    if (!*found)
        return true;
    frame->number = number;
    return check_fields(record_get_frame(value, frame), table_of(table), err);
}

bool index_put_frame(struct index_txn *txn, enum frame_table table, const struct index_frame *frame,
                     struct error *err)
{
    record_put_frame(index_record(txn), frame);
    return index_put_record(txn, table_of(table), frame->number, err);
}

bool index_delete_frame(struct index_txn *txn, enum frame_table table, uint64_t number,
                        struct error *err)
{
    return index_delete_record(txn, table_of(table), number, err);
}

bool index_next_segment(struct index_txn *txn, uint32_t number, struct index_segment *segment,
                        bool *found, struct error *err)
{
    uint64_t at = number;
    struct slice value;
    if (!index_next_record(txn, TABLE_SEGMENTS, &at, &value, found, err))
        return false;
    if (!*found)
        return true;
    segment->number = (uint32_t)at;
    return check_fields(record_get_segment(value, segment), TABLE_SEGMENTS, err);
}

bool index_put_segment(struct index_txn *txn, const struct index_segment *segment,
                       struct error *err)
{
    record_put_segment(index_record(txn), segment);
    return index_put_record(txn, TABLE_SEGMENTS, segment->number, err);
}

bool index_delete_segment(struct index_txn *txn, uint32_t number, struct error *err)
{
    return index_delete_record(txn, TABLE_SEGMENTS, number, err);
}
