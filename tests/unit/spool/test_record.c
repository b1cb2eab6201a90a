/* test_record.c: the index's records come back as they were, or are noticed to be damaged. */
#include "spool/record.h"

#include "unit.h"

static struct buffer out;

static void set_up(void)
{
    buffer_init(&out, 1 << 20);
}

static void tear_down(void)
{
    buffer_free(&out);
}

/* Every field has a value of its own, so that none can stand in for another. */
static const struct index_job whole_job = {
    .id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
    .next_frame = 1ull << 40,
    .next_segment = 102,
    .next_part = 103,
    .parts = 124,
    .rows = 104,
    .acknowledged = 105,
    .dead = 106,
    .pending = 107,
    .frames = 108,
    .raw_bytes = UINT64_MAX,
    .compressed_bytes = 110,
    .spool_bytes = 111,
    .dead_bytes = 112,
    .nulled = 113,
    .requests = 114,
    .retries = 115,
    .estimated_rows = 116,
    .snapshot_ms = 117,
    .started_ms = 118,
    .dumped_ms = 119,
    .finished_ms = 120,
    .updated_ms = 121,
    .in_flight = UINT32_MAX,
};

static void assert_same_job(const struct index_job *a, const struct index_job *b)
{
    ck_assert_mem_eq(a->id.bytes, b->id.bytes, JOB_ID_BYTES);
    ck_assert_uint_eq(a->next_frame, b->next_frame);
    ck_assert_uint_eq(a->next_segment, b->next_segment);
    ck_assert_uint_eq(a->next_part, b->next_part);
    ck_assert_uint_eq(a->parts, b->parts);
    ck_assert_uint_eq(a->rows, b->rows);
    ck_assert_uint_eq(a->acknowledged, b->acknowledged);
    ck_assert_uint_eq(a->dead, b->dead);
    ck_assert_uint_eq(a->pending, b->pending);
    ck_assert_uint_eq(a->frames, b->frames);
    ck_assert_uint_eq(a->raw_bytes, b->raw_bytes);
    ck_assert_uint_eq(a->compressed_bytes, b->compressed_bytes);
    ck_assert_uint_eq(a->spool_bytes, b->spool_bytes);
    ck_assert_uint_eq(a->dead_bytes, b->dead_bytes);
    ck_assert_uint_eq(a->nulled, b->nulled);
    ck_assert_uint_eq(a->requests, b->requests);
    ck_assert_uint_eq(a->retries, b->retries);
    ck_assert_uint_eq(a->estimated_rows, b->estimated_rows);
    ck_assert_uint_eq(a->snapshot_ms, b->snapshot_ms);
    ck_assert_uint_eq(a->started_ms, b->started_ms);
    ck_assert_uint_eq(a->dumped_ms, b->dumped_ms);
    ck_assert_uint_eq(a->finished_ms, b->finished_ms);
    ck_assert_uint_eq(a->updated_ms, b->updated_ms);
    ck_assert_uint_eq(a->in_flight, b->in_flight);
}

START_TEST(a_job_comes_back_as_it_was)
{
    struct index_job job;
    memset(&job, 0xaa, sizeof job);
    record_put_job(&out, &whole_job);
    ck_assert_uint_eq(record_format(buffer_slice(&out)), RECORD_FORMAT);
    ck_assert(record_get_job(buffer_slice(&out), &job));
    assert_same_job(&job, &whole_job);
}
END_TEST

START_TEST(a_job_of_another_format_is_not_read)
{
    struct index_job job;
    record_put_job(&out, &whole_job);
    store_u32(out.data, RECORD_FORMAT + 1);
    ck_assert_uint_eq(record_format(buffer_slice(&out)), RECORD_FORMAT + 1);
    ck_assert(!record_get_job(buffer_slice(&out), &job));
}
END_TEST

static const struct index_part parts[] = {
    {.range = {.has_from = false}},
    {.range = {.has_from = true, .from = {"a", 1}}},
    {.range = {.has_from = true, .is_from_inclusive = true, .from = {"", 0}}},
    {.range = {.has_to = true, .to = {"z\0z", 3}}},
    {.range = {.has_to = true, .is_to_exclusive = true, .to = {"z", 1}}},
    {.has_last = true, .last = {"last", 4}},
    {.is_finished = true},
    {.range = {.has_from = true,
               .is_from_inclusive = true,
               .has_to = true,
               .from = {"from", 4},
               .to = {"\xff", 1}},
     .has_last = true,
     .last = {"l", 1},
     .is_finished = true},
};

START_TEST(a_part_comes_back_as_it_was)
{
    const struct index_part *expected = &parts[_i];
    struct index_part part;
    record_put_part(&out, expected);
    ck_assert(record_get_part(buffer_slice(&out), &part));
    ck_assert_int_eq(part.range.has_from, expected->range.has_from);
    ck_assert_int_eq(part.range.is_from_inclusive, expected->range.is_from_inclusive);
    ck_assert_int_eq(part.range.is_to_exclusive, expected->range.is_to_exclusive);
    ck_assert_int_eq(part.range.has_to, expected->range.has_to);
    ck_assert_int_eq(part.has_last, expected->has_last);
    ck_assert_int_eq(part.is_finished, expected->is_finished);
    ck_assert(slice_equal(part.range.from, expected->range.from));
    ck_assert(slice_equal(part.range.to, expected->range.to));
    ck_assert(slice_equal(part.last, expected->last));
}
END_TEST

static const struct index_frame frames[] = {
    {.kind = FRAME_DOCUMENTS},
    {.kind = FRAME_DEAD_ROWS,
     .part = UINT32_MAX,
     .segment = 2,
     .offset = 3,
     .size = UINT64_MAX,
     .raw_size = 5,
     .documents = 6,
     .first_key = {"a\0", 2},
     .last_key = {"bc", 2}},
};

START_TEST(a_frame_comes_back_as_it_was)
{
    const struct index_frame *expected = &frames[_i];
    struct index_frame frame;
    record_put_frame(&out, expected);
    ck_assert(record_get_frame(buffer_slice(&out), &frame));
    ck_assert_int_eq(frame.kind, expected->kind);
    ck_assert_uint_eq(frame.part, expected->part);
    ck_assert_uint_eq(frame.segment, expected->segment);
    ck_assert_uint_eq(frame.offset, expected->offset);
    ck_assert_uint_eq(frame.size, expected->size);
    ck_assert_uint_eq(frame.raw_size, expected->raw_size);
    ck_assert_uint_eq(frame.documents, expected->documents);
    ck_assert(slice_equal(frame.first_key, expected->first_key));
    ck_assert(slice_equal(frame.last_key, expected->last_key));
}
END_TEST

START_TEST(a_segment_comes_back_as_it_was)
{
    const struct index_segment expected = {.state = (enum segment_state)_i,
                                           .size = 1ull << 33,
                                           .first_frame = 2,
                                           .frames = 3,
                                           .pending = UINT64_MAX};
    struct index_segment segment;
    record_put_segment(&out, &expected);
    ck_assert(record_get_segment(buffer_slice(&out), &segment));
    ck_assert_int_eq(segment.state, expected.state);
    ck_assert_uint_eq(segment.size, expected.size);
    ck_assert_uint_eq(segment.first_frame, expected.first_frame);
    ck_assert_uint_eq(segment.frames, expected.frames);
    ck_assert_uint_eq(segment.pending, expected.pending);
}
END_TEST

static bool get(int which, struct slice fields)
{
    struct index_job job;
    struct index_part part;
    struct index_frame frame;
    struct index_segment segment;
    switch (which) {
    case 0:
        return record_get_job(fields, &job);
    case 1:
        return record_get_part(fields, &part);
    case 2:
        return record_get_frame(fields, &frame);
    default:
        return record_get_segment(fields, &segment);
    }
}

static void put(int which)
{
    const struct index_segment segment = {.size = 1};
    switch (which) {
    case 0:
        record_put_job(&out, &whole_job);
        break;
    case 1:
        record_put_part(&out, &parts[COUNT_OF(parts) - 1]);
        break;
    case 2:
        record_put_frame(&out, &frames[1]);
        break;
    default:
        record_put_segment(&out, &segment);
    }
}

START_TEST(fields_that_do_not_fill_their_record_exactly_are_refused)
{
    put(_i);
    size_t size = out.size;
    ck_assert(get(_i, buffer_slice(&out)));
    for (size_t cut = 0; cut < size; cut++)
        ck_assert(!get(_i, (struct slice){out.data, cut}));
    buffer_append_byte(&out, '\0');
    ck_assert(!get(_i, buffer_slice(&out)));
}
END_TEST

START_TEST(putting_a_record_forgets_the_one_before)
{
    put(_i);
    size_t size = out.size;
    buffer_append_string(&out, "what was there");
    put(_i);
    ck_assert_uint_eq(out.size, size);
}
END_TEST

START_TEST(a_flag_a_state_or_a_kind_that_is_none_is_refused)
{
    struct index_part part;
    struct index_frame frame;
    struct index_segment segment;
    put(1);
    store_u32(out.data, 64);
    ck_assert(!record_get_part(buffer_slice(&out), &part));
    put(2);
    store_u32(out.data, FRAME_DEAD_ROWS + 1);
    ck_assert(!record_get_frame(buffer_slice(&out), &frame));
    put(3);
    store_u32(out.data, SEGMENT_DELETING + 1);
    ck_assert(!record_get_segment(buffer_slice(&out), &segment));
}
END_TEST

START_TEST(a_sealed_record_opens_to_its_fields)
{
    put(_i);
    size_t size = out.size;
    record_seal(&out, TABLE_PARTS, 7);
    struct slice record = buffer_slice(&out);
    ck_assert_uint_eq(record.size, size + 4);
    ck_assert(record_open(&record, TABLE_PARTS, 7));
    ck_assert_uint_eq(record.size, size);
    ck_assert(get(_i, record));
}
END_TEST

START_TEST(every_flipped_bit_breaks_the_seal)
{
    put(_i);
    record_seal(&out, TABLE_PARTS, 7);
    for (size_t i = 0; i < 8 * out.size; i++) {
        struct slice record = buffer_slice(&out);
        out.data[i / 8] = (char)(out.data[i / 8] ^ (1 << i % 8));
        ck_assert(!record_open(&record, TABLE_PARTS, 7));
        out.data[i / 8] = (char)(out.data[i / 8] ^ (1 << i % 8));
    }
}
END_TEST

START_TEST(a_record_in_another_place_does_not_open)
{
    put(_i);
    record_seal(&out, TABLE_PARTS, 7);
    struct slice record = buffer_slice(&out);
    ck_assert(!record_open(&record, TABLE_DONE, 7));
    for (int bit = 0; bit < 64; bit++) {
        record = buffer_slice(&out);
        ck_assert(!record_open(&record, TABLE_PARTS, 7 ^ (uint64_t)1 << bit));
    }
}
END_TEST

START_TEST(a_record_cut_anywhere_does_not_open)
{
    put(_i);
    record_seal(&out, TABLE_PARTS, 7);
    for (size_t size = 0; size < out.size; size++) {
        struct slice record = {out.data, size};
        ck_assert(!record_open(&record, TABLE_PARTS, 7));
    }
}
END_TEST

UNIT_MAIN_WITH("spool/record", set_up, tear_down, UNIT_TEST(a_job_comes_back_as_it_was),
               UNIT_TEST(a_job_of_another_format_is_not_read),
               UNIT_EACH(a_part_comes_back_as_it_was, parts),
               UNIT_EACH(a_frame_comes_back_as_it_was, frames),
               UNIT_LOOP(a_segment_comes_back_as_it_was, 3),
               UNIT_LOOP(fields_that_do_not_fill_their_record_exactly_are_refused, 4),
               UNIT_LOOP(putting_a_record_forgets_the_one_before, 4),
               UNIT_TEST(a_flag_a_state_or_a_kind_that_is_none_is_refused),
               UNIT_LOOP(a_sealed_record_opens_to_its_fields, 4),
               UNIT_LOOP(every_flipped_bit_breaks_the_seal, 4),
               UNIT_LOOP(a_record_in_another_place_does_not_open, 4),
               UNIT_LOOP(a_record_cut_anywhere_does_not_open, 4))
