/* join.c: see join.h: records, and their way to where all of an id are together. What is said of them then
 * is in join_group.c. */
#include <stdlib.h>

#include <xxhash.h>

#include "base/bytes.h"
#include "base/stop.h"
#include "job/join_internal.h"

enum { RECORD_MAX_BYTES = 1 << 30 };

struct join {
    struct scratch *scratch;
    struct buffer record;
    struct chain buckets[JOIN_BUCKETS];
};

/* --- records --- */

static void put_optional(struct buffer *out, struct slice s)
{
    put_u16(out, s.data != NULL);
    put_slice(out, s);
}

static struct slice get_optional(struct reader *r)
{
    bool is_present = get_u16(r) != 0;
    struct slice s = get_slice(r);
    return is_present ? s : (struct slice){NULL, 0};
}

void join_put_record(struct buffer *out, const struct join_record *record)
{
    bool is_id = slice_equal(record->place, record->id);
    put_u16(out, (uint16_t)record->kind);
    put_u16(out, is_id); // a key is its document's id most often
    put_u64(out, record->hash);
    put_slice(out, record->id);
    put_optional(out, record->routing);
    put_slice(out, is_id ? (struct slice){NULL, 0} : record->place);
}

bool join_get_record(struct slice bytes, struct join_record *record)
{
    struct reader r = reader_over(bytes);
    record->kind = (enum join_kind)get_u16(&r);
    bool is_id = get_u16(&r) != 0;
    record->hash = get_u64(&r);
    record->id = get_slice(&r);
    record->routing = get_optional(&r);
    record->place = get_slice(&r);
    if (is_id)
        record->place = record->id;
    return !r.has_failed && r.left == 0 && record->kind <= JOIN_DOCUMENT;
}

static bool get_record(struct slice bytes, struct join_record *record, struct error *err)
{
    return join_get_record(bytes, record) ||
           error_set(err, ERROR_BUG, "a record of the comparison can't be read");
}

/* --- spreading --- */

static void init_buckets(struct chain *buckets)
{
    for (size_t i = 0; i < JOIN_BUCKETS; i++)
        chain_init(&buckets[i]);
}

static void free_buckets(struct chain *buckets)
{
    for (size_t i = 0; i < JOIN_BUCKETS; i++)
        chain_free(&buckets[i]);
}

static struct chain *bucket_of(struct chain *buckets, struct slice id, unsigned level)
{
    return &buckets[XXH3_64bits_withSeed(id.data, id.size, level) % JOIN_BUCKETS];
}

bool join_new(struct join **out, struct scratch *s, struct error *err)
{
    struct join *j = calloc(1, sizeof *j);
    if (j == NULL)
        return error_set_memory(err);
    j->scratch = s;
    buffer_init(&j->record, RECORD_MAX_BYTES);
    init_buckets(j->buckets);
    *out = j;
    return true;
}

void join_free(struct join *j)
{
    if (j == NULL)
        return;
    free_buckets(j->buckets);
    buffer_free(&j->record);
    free(j);
}

bool join_add(struct join *j, const struct join_record *record, struct error *err)
{
    buffer_clear(&j->record);
    join_put_record(&j->record, record);
    return buffer_check(&j->record, "a record", err) &&
           chain_append(j->scratch, bucket_of(j->buckets, record->id, 0), buffer_slice(&j->record),
                        err);
}

struct spreading {
    struct scratch *scratch;
    struct chain *buckets;
    unsigned level;
};

static bool spread_record(void *context, struct slice bytes, struct error *err)
{
    struct spreading *s = context;
    struct join_record record;
    return get_record(bytes, &record, err) &&
           chain_append(s->scratch, bucket_of(s->buckets, record.id, s->level), bytes, err);
}

/* --- comparing --- */

struct loading {
    struct join_record *records; // their slices: offsets until all are loaded
    size_t count;
    struct buffer *bytes;
};

static bool load_record(void *context, struct slice bytes, struct error *err)
{
    struct loading *l = context;
    size_t at = l->bytes->size;
    buffer_append(l->bytes, bytes.data, bytes.size); // has room: it doesn't move
    return buffer_check(l->bytes, "records", err) &&
           get_record((struct slice){l->bytes->data + at, bytes.size}, &l->records[l->count++],
                      err);
}

static int compare_slices(struct slice a, struct slice b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_records(const void *left, const void *right)
{
    const struct join_record *a = left, *b = right;
    int order = compare_slices(a->id, b->id);
    return order != 0 ? order : (a->kind > b->kind) - (a->kind < b->kind);
}

static bool judge_all(struct join_record *records, size_t count, const struct judging *judging,
                      struct error *err)
{
    qsort(records, count, sizeof *records, compare_records);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && slice_equal(records[end].id, records[first].id); end++)
            continue;
        if (!join_judge(judging, records + first, end - first, err))
            return false;
    }
    return true;
}

static bool compare_bucket(struct scratch *s, const struct chain *bucket,
                           const struct judging *judging, struct error *err)
{
    struct buffer bytes;
    struct loading l = {.bytes = &bytes};
    if (bucket->records == 0)
        return true;
    buffer_init(&bytes, SIZE_MAX);
    l.records = calloc(bucket->records, sizeof *l.records);
    bool ok =
        l.records != NULL && buffer_reserve(&bytes, bucket->bytes) ? true : error_set_memory(err);
    ok = ok && chain_each(s, bucket, load_record, &l, err) &&
         judge_all(l.records, l.count, judging, err);
    free(l.records);
    buffer_free(&bytes);
    return ok;
}

static bool compare_buckets(struct scratch *s, struct chain *buckets, unsigned level,
                            const struct judging *judging, struct error *err);

/* Spread BUCKET over lists of its own, and compare these. */
static bool spread_bucket(struct scratch *s, const struct chain *bucket, unsigned level,
                          const struct judging *judging, struct error *err)
{
    struct chain *buckets = calloc(JOIN_BUCKETS, sizeof *buckets);
    if (buckets == NULL)
        return error_set_memory(err);
    init_buckets(buckets);
    struct spreading spreading = {s, buckets, level};
    bool ok = chain_each(s, bucket, spread_record, &spreading, err) &&
              compare_buckets(s, buckets, level, judging, err);
    free_buckets(buckets);
    free(buckets);
    return ok;
}

static bool compare_buckets(struct scratch *s, struct chain *buckets, unsigned level,
                            const struct judging *judging, struct error *err)
{
    for (size_t i = 0; i < JOIN_BUCKETS; i++) {
        struct chain *bucket = &buckets[i];
        bool fits = bucket->bytes <= JOIN_BUCKET_BYTES || level + 1 == JOIN_LEVELS;
        if (stop_is_requested())
            return error_set(err, ERROR_STOPPED, "asked to stop");
        if (fits ? !compare_bucket(s, bucket, judging, err)
                 : !spread_bucket(s, bucket, level + 1, judging, err))
            return false;
        chain_free(bucket);
    }
    return true;
}

bool join_run(struct join *j, join_tell *tell, void *context, struct join_counts *counts,
              struct error *err)
{
    struct judging judging = {.tell = tell, .context = context, .counts = counts};
    *counts = (struct join_counts){.rows = 0};
    return compare_buckets(j->scratch, j->buckets, 0, &judging, err);
}
