/* spooled.h: for tests that need a spool: a directory of one's own, frames of made-up documents, and
 * a small dump and replay over the spool's own functions. The documents are numbered from 1 on; a
 * document's number is its key and its _id. */
#ifndef BOBBIN_TESTS_SPOOLED_H
#define BOBBIN_TESTS_SPOOLED_H

#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "spool/compress.h"
#include "spool/segment.h"
#include "spool/spool.h"
#include "unit.h"

enum {
    SPOOLED_DOCUMENTS = 100, // of spooled_work
    SPOOLED_SENT_BYTES = (SPOOLED_DOCUMENTS + 1) * sizeof(unsigned),
};

static char *spooled_parent;         // the directory that holds the spool
static char spooled_path[4096];      // the spool, which does not exist at first
static struct spool_options spooled; // what spooled_open takes
static struct error spooled_err;     // of the latest call

/* How often each document was "sent"; in memory that a killed process leaves behind, as a cluster. */
static unsigned *spooled_sent;

static const struct job_id spooled_job = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

/* Killed processes leave memory behind as they leave a disk behind, and that takes no time. */
static inline void spooled_set_up(void)
{
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0);
    spooled_parent = unit_make_directory();
    snprintf(spooled_path, sizeof spooled_path, "%s/spool", spooled_parent);
    spooled = (struct spool_options){
        .path = spooled_path, .roles = SPOOL_DUMP | SPOOL_REPLAY, .segment_bytes = 64 << 10};
    spooled_sent =
        mmap(NULL, SPOOLED_SENT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(spooled_sent, MAP_FAILED);
}

static inline void spooled_tear_down(void)
{
    munmap(spooled_sent, SPOOLED_SENT_BYTES);
    unit_remove_directory(spooled_parent);
}

static inline struct spool *spooled_open(void)
{
    struct spool *s = NULL;
    unit_assert_ok(spool_open(&s, &spooled, &spooled_job, &spooled_err), spooled_err);
    return s;
}

/* Begin the new spool with PARTS parts: the first has no bound, the others are empty ranges. */
static inline void spooled_begin(struct spool *s, size_t parts)
{
    struct key_range ranges[8] = {{.has_from = false}};
    ck_assert_uint_le(parts, COUNT_OF(ranges));
    for (size_t i = 1; i < parts; i++)
        ranges[i] = (struct key_range){
            .has_from = true, .from = slice_of("7"), .has_to = true, .to = slice_of("7")};
    unit_assert_ok(spool_begin(s, &spooled_job, slice_of("{\"index\":\"images\"}"), ranges, parts,
                               0, &spooled_err),
                   spooled_err);
}

static inline struct spool *spooled_new(void)
{
    struct spool *s = spooled_open();
    ck_assert(spool_is_new(s));
    spooled_begin(s, 1);
    return s;
}

/* --- frames --- */

static inline void spooled_put_document(struct buffer *out, uint64_t number)
{
    buffer_append_format(out, "{\"index\":{\"_id\":\"%" PRIu64 "\"}}\n{\"n\":%" PRIu64 "}\n",
                         number, number);
}

static inline bool spooled_compress(struct compressor *c, uint64_t first, uint32_t count,
                                    struct error *err)
{
    struct buffer document;
    bool ok = true;
    buffer_init(&document, 1024);
    for (uint64_t i = 0; ok && i < count; i++) {
        buffer_clear(&document);
        spooled_put_document(&document, first + i);
        ok = buffer_check(&document, "a document", err) &&
             compressor_append(c, buffer_slice(&document), err);
    }
    buffer_free(&document);
    return ok;
}

/* Append a frame of KIND with the documents from FIRST on, COUNT of them. */
static inline bool spooled_try_append(struct spool *s, enum frame_kind kind, uint32_t part,
                                      uint64_t first, uint32_t count, struct error *err)
{
    struct compressor *c;
    struct slice body;
    char first_key[32], last_key[32];
    if (!compressor_new(&c, 1, err))
        return false;
    bool ok = spooled_compress(c, first, count, err);
    snprintf(first_key, sizeof first_key, "%" PRIu64, first);
    snprintf(last_key, sizeof last_key, "%" PRIu64, first + count - 1);
    struct frame f = {.kind = kind,
                      .part = part,
                      .documents = count,
                      .raw_size = compressor_raw_size(c),
                      .first_key = slice_of(first_key),
                      .last_key = slice_of(last_key)};
    ok = ok && compressor_finish(c, &body, err) && spool_append(s, &f, body, 0, err);
    compressor_free(c);
    return ok;
}

static inline void spooled_append(struct spool *s, uint64_t first, uint32_t count)
{
    unit_assert_ok(spooled_try_append(s, FRAME_DOCUMENTS, 0, first, count, &spooled_err),
                   spooled_err);
}

static inline void spooled_commit(struct spool *s)
{
    unit_assert_ok(spool_commit(s, &spooled_err), spooled_err);
}

static inline bool spooled_try_acknowledge(struct spool *s, uint64_t frame, uint64_t acknowledged,
                                           uint64_t dead, struct error *err)
{
    const struct spool_acknowledgement a = {frame, acknowledged, dead};
    const struct spool_counters counters = {.requests = 1};
    return spool_acknowledge(s, &a, 1, 0, &counters, err);
}

static inline void spooled_acknowledge(struct spool *s, uint64_t frame, uint64_t documents)
{
    unit_assert_ok(spooled_try_acknowledge(s, frame, documents, 0, &spooled_err), spooled_err);
}

/* --- looking --- */

static inline struct index_job spooled_read_job(struct spool *s)
{
    struct index_job job;
    unit_assert_ok(spool_get_job(s, &job, &spooled_err), spooled_err);
    return job;
}

static inline void spooled_assert_ledger(struct spool *s, uint64_t rows, uint64_t acknowledged,
                                         uint64_t dead, uint64_t pending)
{
    struct index_job job = spooled_read_job(s);
    ck_assert_uint_eq(job.rows, rows);
    ck_assert_uint_eq(job.acknowledged, acknowledged);
    ck_assert_uint_eq(job.dead, dead);
    ck_assert_uint_eq(job.pending, pending);
}

/* The first frame of TABLE numbered NUMBER or more. */
static inline bool spooled_find_frame(struct spool *s, enum frame_table table, uint64_t number,
                                      struct index_frame *frame)
{
    bool found;
    unit_assert_ok(spool_next_frame(s, table, number, frame, &found, &spooled_err), spooled_err);
    return found;
}

static inline uint64_t spooled_count_frames(struct spool *s, enum frame_table table)
{
    struct index_frame frame = {.number = 0};
    uint64_t count = 0;
    while (spooled_find_frame(s, table, frame.number + 1, &frame))
        count++;
    return count;
}

/* A path in the spool; good until the fourth call from now. */
static inline const char *spooled_file(const char *name)
{
    static char paths[4][sizeof spooled_path + 64];
    static unsigned turn;
    char *path = paths[turn++ % COUNT_OF(paths)];
    snprintf(path, sizeof paths[0], "%s/%s", spooled_path, name);
    return path;
}

static inline const char *spooled_segment(uint32_t number)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(number, name);
    return spooled_file(name);
}

/* The length of a file; -1 when it is absent. */
static inline int64_t spooled_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

/* --- a small dump and replay --- */

/* Count each document of a bulk body in spooled_sent. */
static inline bool spooled_tally(struct slice body, struct error *err)
{
    struct decompressor *d;
    char text[1 << 16];
    size_t got;
    if (!decompressor_new(&d, err))
        return false;
    decompressor_open(d, body);
    bool ok = decompressor_read(d, text, sizeof text - 1, &got, err);
    decompressor_free(d);
    text[ok ? got : 0] = '\0';
    for (const char *at = text; (at = strstr(at, "\"_id\":\"")) != NULL;) {
        at += strlen("\"_id\":\"");
        uint64_t number = strtoull(at, NULL, 10);
        if (number < 1 || number > SPOOLED_DOCUMENTS)
            return error_set(err, ERROR_BUG, "document %" PRIu64 " was never made", number);
        spooled_sent[number]++;
    }
    return ok;
}

/* "Send" all that is pending. */
static inline bool spooled_replay(struct spool *s, struct error *err)
{
    struct index_frame frame = {.number = 0};
    struct buffer bytes;
    bool found = true;
    bool ok = true;
    buffer_init(&bytes, 1 << 20);
    while (ok && found) {
        struct slice body;
        const char *why;
        ok = spool_next_frame(s, FRAMES_PENDING, frame.number + 1, &frame, &found, err);
        if (!ok || !found)
            break;
        ok = spool_read_frame(s, &frame, &bytes, &body, &why, err);
        if (ok && why != NULL)
            ok = spool_lose_frame(s, frame.number, why, err);
        else if (ok)
            ok = spooled_tally(body, err) &&
                 spooled_try_acknowledge(s, frame.number, frame.documents, 0, err);
    }
    buffer_free(&bytes);
    return ok;
}

static inline uint64_t spooled_number(struct slice key)
{
    char text[32];
    snprintf(text, sizeof text, "%.*s", (int)key.size, key.data);
    return strtoull(text, NULL, 10);
}

static inline bool spooled_dump_part(struct spool *s, const struct index_part *part,
                                     struct error *err)
{
    enum { PER_FRAME = 4, PER_COMMIT = 12, PER_REPLAY = 36 };
    const struct key_range *r = &part->range;
    uint64_t next = part->has_last ? spooled_number(part->last) + 1
                    : r->has_from  ? spooled_number(r->from) + !r->is_from_inclusive
                                   : 1;
    uint64_t end = r->has_to ? spooled_number(r->to) - r->is_to_exclusive : SPOOLED_DOCUMENTS;
    for (uint32_t count; next <= end; next += count) {
        count = end - next + 1 < PER_FRAME ? (uint32_t)(end - next + 1) : PER_FRAME;
        if (!spooled_try_append(s, FRAME_DOCUMENTS, part->number, next, count, err) ||
            (next % PER_COMMIT == 1 && !spool_commit(s, err)) ||
            (next % PER_REPLAY == 1 && !spooled_replay(s, err)))
            return false;
    }
    return spool_finish_part(s, part->number, err);
}

static inline bool spooled_dump(struct spool *s, struct error *err)
{
    struct index_part part = {.number = 0};
    struct buffer keys;
    bool found = true;
    bool ok = true;
    buffer_init(&keys, 1 << 10);
    while (ok && found) {
        ok = spool_next_part(s, 0, &part, &keys, &found, err);
        if (ok && found)
            ok = spooled_dump_part(s, &part, err);
    }
    buffer_free(&keys);
    return ok && spool_finish_dump(s, err);
}

/* Open the spool, begin it when it is new, do all that is left of its work, close it. */
static inline bool spooled_work(struct error *err)
{
    struct spool *s = NULL;
    const struct key_range all = {.has_from = false};
    bool is_finished = false;
    bool ok = spool_open(&s, &spooled, &spooled_job, err) &&
              (!spool_is_new(s) ||
               spool_begin(s, &spooled_job, slice_of("{\"index\":\"images\"}"), &all, 1, 0, err));
    while (ok && !is_finished)
        ok = spooled_dump(s, err) && spooled_replay(s, err) &&
             spool_finish_replay(s, &is_finished, err);
    spool_close(s);
    return ok;
}

/* Every document was sent, and nothing is left of the work but its record. */
static inline void spooled_assert_finished(void)
{
    struct spool *s = spooled_open();
    spooled_assert_ledger(s, SPOOLED_DOCUMENTS, SPOOLED_DOCUMENTS, 0, 0);
    struct index_job job = spooled_read_job(s);
    ck_assert_uint_ne(job.finished_ms, 0);
    ck_assert_uint_ne(job.dumped_ms, 0);
    ck_assert_uint_eq(job.spool_bytes, 0);
    ck_assert_uint_eq(spooled_count_frames(s, FRAMES_PENDING), 0);
    ck_assert_uint_eq(spooled_count_frames(s, FRAMES_DONE), 0);
    for (uint32_t i = 1; i < job.next_segment + 2; i++)
        ck_assert_int_eq(spooled_size(spooled_segment(i)), -1);
    for (int i = 1; i <= SPOOLED_DOCUMENTS; i++)
        ck_assert_msg(spooled_sent[i] > 0, "document %d was never sent", i);
    spool_close(s);
}

/* Two segments of two frames of four documents; the first frame is acknowledged. */
static inline void spooled_make_two_segments(void)
{
    struct spool *s = spooled_new();
    for (uint64_t i = 0; i < 4; i++) {
        spooled_append(s, 1 + 4 * i, 4);
        if (i % 2 == 1)
            unit_assert_ok(spool_finish_dump(s, &spooled_err), spooled_err);
    }
    spooled_acknowledge(s, 1, 4);
    spool_close(s);
}

#endif
