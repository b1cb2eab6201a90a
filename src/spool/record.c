/* record.c: see record.h. */
#include "spool/record.h"

#include <xxhash.h>

enum { CHECK_BYTES = 4 };

enum part_flag {
    HAS_FROM = 1,
    FROM_INCLUSIVE = 2,
    HAS_TO = 4,
    HAS_LAST = 8,
    FINISHED = 16,
    TO_EXCLUSIVE = 32,
    ALL_FLAGS = 63
};

/* The place is the hash's seed: a record that is found elsewhere fails its check. */
static uint32_t check_of(struct slice fields, enum table table, uint64_t number)
{
    char place[12];
    store_u32(place, (uint32_t)table);
    store_u64_big_endian((unsigned char *)place + 4, number);
    return XXH32(fields.data, fields.size, XXH32(place, sizeof place, 0));
}

void record_seal(struct buffer *out, enum table table, uint64_t number)
{
    put_u32(out, check_of(buffer_slice(out), table, number));
}

bool record_open(struct slice *record, enum table table, uint64_t number)
{
    if (record->size < CHECK_BYTES)
        return false;
    struct slice check = {record->data + record->size - CHECK_BYTES, CHECK_BYTES};
    struct reader r = reader_over(check);
    record->size -= CHECK_BYTES;
    return get_u32(&r) == check_of(*record, table, number);
}

static bool is_whole(const struct reader *r)
{
    return !r->has_failed && r->left == 0;
}

void record_put_job(struct buffer *out, const struct index_job *job)
{
    buffer_clear(out);
    put_u32(out, RECORD_FORMAT);
    buffer_append(out, job->id.bytes, JOB_ID_BYTES);
    put_u64(out, job->next_frame);
    put_u32(out, job->next_segment);
    put_u32(out, job->next_part);
    put_u32(out, job->parts);
    put_u64(out, job->rows);
    put_u64(out, job->acknowledged);
    put_u64(out, job->dead);
    put_u64(out, job->dropped);
    put_u64(out, job->pending);
    put_u64(out, job->frames);
    put_u64(out, job->raw_bytes);
    put_u64(out, job->compressed_bytes);
    put_u64(out, job->spool_bytes);
    put_u64(out, job->dead_bytes);
    put_u64(out, job->nulled);
    put_u64(out, job->requests);
    put_u64(out, job->retries);
    put_u64(out, job->estimated_rows);
    put_u64(out, job->snapshot_ms);
    put_u64(out, job->started_ms);
    put_u64(out, job->dumped_ms);
    put_u64(out, job->finished_ms);
    put_u64(out, job->updated_ms);
    put_u32(out, job->in_flight);
}

uint32_t record_format(struct slice fields)
{
    struct reader r = reader_over(fields);
    return get_u32(&r);
}

bool record_get_job(struct slice fields, struct index_job *job)
{
    struct reader r = reader_over(fields);
    if (get_u32(&r) != RECORD_FORMAT)
        return false;
    struct slice id = get_bytes(&r, JOB_ID_BYTES);
    if (id.size == JOB_ID_BYTES)
        memcpy(job->id.bytes, id.data, JOB_ID_BYTES);
    job->next_frame = get_u64(&r);
    job->next_segment = get_u32(&r);
    job->next_part = get_u32(&r);
    job->parts = get_u32(&r);
    job->rows = get_u64(&r);
    job->acknowledged = get_u64(&r);
    job->dead = get_u64(&r);
    job->dropped = get_u64(&r);
    job->pending = get_u64(&r);
    job->frames = get_u64(&r);
    job->raw_bytes = get_u64(&r);
    job->compressed_bytes = get_u64(&r);
    job->spool_bytes = get_u64(&r);
    job->dead_bytes = get_u64(&r);
    job->nulled = get_u64(&r);
    job->requests = get_u64(&r);
    job->retries = get_u64(&r);
    job->estimated_rows = get_u64(&r);
    job->snapshot_ms = get_u64(&r);
    job->started_ms = get_u64(&r);
    job->dumped_ms = get_u64(&r);
    job->finished_ms = get_u64(&r);
    job->updated_ms = get_u64(&r);
    job->in_flight = get_u32(&r);
    return is_whole(&r);
}

void record_put_part(struct buffer *out, const struct index_part *part)
{
    const struct key_range *range = &part->range;
    unsigned flags =
        (range->has_from ? HAS_FROM : 0u) | (range->is_from_inclusive ? FROM_INCLUSIVE : 0u) |
        (range->has_to ? HAS_TO : 0u) | (part->has_last ? HAS_LAST : 0u) |
        (part->is_finished ? FINISHED : 0u) | (range->is_to_exclusive ? TO_EXCLUSIVE : 0u);
    buffer_clear(out);
    put_u32(out, flags);
    put_slice(out, range->from);
    put_slice(out, range->to);
    put_slice(out, part->last);
}

bool record_get_part(struct slice fields, struct index_part *part)
{
    struct reader r = reader_over(fields);
    uint32_t flags = get_u32(&r);
    part->range.has_from = flags & HAS_FROM;
    part->range.is_from_inclusive = flags & FROM_INCLUSIVE;
    part->range.has_to = flags & HAS_TO;
    part->range.is_to_exclusive = flags & TO_EXCLUSIVE;
    part->has_last = flags & HAS_LAST;
    part->is_finished = flags & FINISHED;
    part->range.from = get_slice(&r);
    part->range.to = get_slice(&r);
    part->last = get_slice(&r);
    return is_whole(&r) && (flags & ~(uint32_t)ALL_FLAGS) == 0;
}

void record_put_frame(struct buffer *out, const struct index_frame *frame)
{
    buffer_clear(out);
    put_u32(out, frame->kind);
    put_u32(out, frame->part);
    put_u32(out, frame->segment);
    put_u64(out, frame->offset);
    put_u64(out, frame->size);
    put_u64(out, frame->raw_size);
    put_u32(out, frame->documents);
    put_slice(out, frame->first_key);
    put_slice(out, frame->last_key);
}

bool record_get_frame(struct slice fields, struct index_frame *frame)
{
    struct reader r = reader_over(fields);
    uint32_t kind = get_u32(&r);
    frame->kind = kind == FRAME_DEAD_ROWS ? FRAME_DEAD_ROWS : FRAME_DOCUMENTS;
    frame->part = get_u32(&r);
    frame->segment = get_u32(&r);
    frame->offset = get_u64(&r);
    frame->size = get_u64(&r);
    frame->raw_size = get_u64(&r);
    frame->documents = get_u32(&r);
    frame->first_key = get_slice(&r);
    frame->last_key = get_slice(&r);
    return is_whole(&r) && kind <= FRAME_DEAD_ROWS;
}

void record_put_segment(struct buffer *out, const struct index_segment *segment)
{
    buffer_clear(out);
    put_u32(out, segment->state);
    put_u64(out, segment->size);
    put_u64(out, segment->first_frame);
    put_u64(out, segment->frames);
    put_u64(out, segment->pending);
}

bool record_get_segment(struct slice fields, struct index_segment *segment)
{
    struct reader r = reader_over(fields);
    uint32_t state = get_u32(&r);
    segment->state = state == SEGMENT_OPEN     ? SEGMENT_OPEN
                     : state == SEGMENT_SEALED ? SEGMENT_SEALED
                                               : SEGMENT_DELETING;
    segment->size = get_u64(&r);
    segment->first_frame = get_u64(&r);
    segment->frames = get_u64(&r);
    segment->pending = get_u64(&r);
    return is_whole(&r) && state <= SEGMENT_DELETING;
}
