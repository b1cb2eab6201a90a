/* index_meta.h: the two meta pages at the start of an LMDB file: which states of it they name, and
 * may LMDB open it? LMDB believes them: a wrong page size or length would crash it. Pure: reads
 * through a function.
 *
 * The layout is that of LMDB 0.9, data version 1 (mdb.c: MDB_page, MDB_meta, MDB_db), as this
 * machine's LMDB writes it: words and byte order are the machine's. */
#ifndef BOBBIN_SPOOL_INDEX_META_H
#define BOBBIN_SPOOL_INDEX_META_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Where the bytes are. READ as file_read_at: *GOT is less than SIZE only at the end. */
struct pages_source {
    bool (*read)(const void *context, uint64_t offset, void *out, size_t size, size_t *got,
                 struct error *err);
    const void *context;
};

/* MDB_page: what each page begins with. */
struct page_head {
    size_t number;
    uint16_t pad, flags;
    uint16_t lower, upper; // bounds of the free room; of a long value: how many pages, in 32 bits
};

enum page_flag { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_OVERFLOW = 4, PAGE_META = 8 }; // P_BRANCH ...

/* MDB_db: a tree of pages. */
struct pages_tree {
    uint32_t pad;
    uint16_t flags;
    uint16_t depth;
    size_t branch_pages, leaf_pages, overflow_pages;
    size_t entries;
    size_t root;
};

/* One state of the file. */
struct pages_state {
    size_t page_bytes;
    size_t txn; // the commit that made it
    size_t last_page;
    struct pages_tree free, main;
};

enum pages_verdict {
    PAGES_SOUND,
    PAGES_ABSENT,  // no bytes at all: LMDB would make the file
    PAGES_DAMAGED, // see `why` and `page`
    PAGES_OTHER_VERSION,
};

struct pages_finding {
    enum pages_verdict verdict;
    const char *why; // a static text
    uint64_t page;
};

/* Fill FINDING: PAGE is damaged. Returns false. */
bool pages_damaged(struct pages_finding *finding, uint64_t page, const char *why);

enum { PAGES_METAS = 2 }; // pages 0 and 1; commits write them in turn

/* Read both. STATES: the newer one first; the other is the commit before it. While somebody commits a
 * reading can be torn: PAGES_DAMAGED is certain only when it stays. False when SOURCE's read failed. */
MUST_CHECK bool index_meta_read(const struct pages_source *source,
                                struct pages_state states[PAGES_METAS],
                                struct pages_finding *finding, struct error *err);

#endif
