/* paged.h: for the tests of an index's pages: its file in memory, and work that makes many kinds of
 * pages. Behind indexed.h. */
#ifndef BOBBIN_TESTS_PAGED_H
#define BOBBIN_TESTS_PAGED_H

#include <fcntl.h>
#include <sys/stat.h>

#include "indexed.h"
#include "spool/index_pages.h"

static const char *const paged_tables[] = {"done", "frames", "meta", "parts", "segments"};

static struct buffer paged; // the file's bytes
static struct pages_finding paged_finding;

static inline bool paged_read(const void *context, uint64_t offset, void *out, size_t size,
                              size_t *got, struct error *e)
{
    const struct buffer *bytes = context;
    (void)e;
    *got = offset >= bytes->size ? 0 : bytes->size - (size_t)offset;
    if (*got > size)
        *got = size;
    if (*got > 0)
        memcpy(out, bytes->data + offset, *got);
    return true;
}

static const struct pages_source paged_source = {paged_read, &paged};

static inline void paged_load(void)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    buffer_free(&paged);
    buffer_init(&paged, SIZE_MAX);
    ck_assert(buffer_reserve(&paged, (size_t)st.st_size));
    paged.size = (size_t)st.st_size;
    ck_assert_int_eq(read(fd, paged.data, paged.size), st.st_size);
    close(fd);
}

/* Both checks of the bytes in memory. */
static inline enum pages_verdict paged_check(void)
{
    struct pages_state states[PAGES_METAS];
    unit_assert_ok(index_meta_read(&paged_source, states, &paged_finding, &err), err);
    if (paged_finding.verdict == PAGES_SOUND)
        unit_assert_ok(index_pages_check(&paged_source, &states[0], paged_tables,
                                         COUNT_OF(paged_tables), &paged_finding, &err),
                       err);
    return paged_finding.verdict;
}

/* --- work --- */

/* A part whose record is SIZE bytes and some: a large one gets pages of its own. */
static inline void paged_put_part(struct index_txn *txn, uint32_t number, size_t size)
{
    static char key[20000];
    ck_assert_uint_le(size, sizeof key);
    memset(key, 'k', sizeof key);
    struct index_part part = {.number = number, .has_last = true, .last = {key, size}};
    unit_assert_ok(index_put_part(txn, &part, &err), err);
}

static inline void paged_put_frame(struct index_txn *txn, uint64_t number)
{
    struct index_frame frame = {.number = number,
                                .segment = 1,
                                .documents = 4,
                                .first_key = slice_of("first"),
                                .last_key = slice_of("last")};
    unit_assert_ok(index_put_frame(txn, FRAMES_PENDING, &frame, &err), err);
}

/* Commits that leave branches, long values, and lists of free pages behind. */
static inline void paged_work(uint64_t frames)
{
    for (uint64_t i = 0; i < frames; i += 20) {
        struct index_txn *txn = begin(true);
        for (uint64_t number = i; number < i + 20 && number < frames; number++)
            paged_put_frame(txn, number);
        paged_put_part(txn, (uint32_t)(i / 40), i % 40 == 0 ? 9000 : 10);
        unit_assert_ok(index_put_job(txn, &some_job, &err), err);
        commit(txn);
    }
}

#endif
