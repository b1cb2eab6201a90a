/* index_meta.c: see index_meta.h. Names in capitals are those of LMDB's mdb.c. */
#include "spool/index_meta.h"

#include <string.h>

enum {
    METAS = PAGES_METAS,
    VERSION = 1, // MDB_DATA_VERSION
    LEAST_PAGE_BYTES = 512,
    MOST_PAGE_BYTES = 32768, // MAX_PAGESIZE
    FREE_FLAGS = 0x4008,     // MDB_NOSUBDIR, MDB_INTEGERKEY: the file's flags stand there too
};

static const uint32_t MAGIC = 0xBEEFC0DE; // MDB_MAGIC

/* MDB_meta. */
struct meta {
    uint32_t magic, version;
    size_t address, map_bytes;
    struct pages_tree free, main; // free.pad is the page size
    size_t last_page;
    size_t txn;
};

static bool is_page_size(size_t bytes)
{
    return bytes >= LEAST_PAGE_BYTES && bytes <= MOST_PAGE_BYTES && (bytes & (bytes - 1)) == 0;
}

bool pages_damaged(struct pages_finding *finding, uint64_t page, const char *why)
{
    *finding = (struct pages_finding){PAGES_DAMAGED, why, page};
    return false;
}

/* Meta page I by itself. */
static bool is_meta_sound(const struct page_head *head, const struct meta *meta, size_t i,
                          struct pages_finding *finding)
{
    if (head->number != i || head->flags != PAGE_META || meta->magic != MAGIC ||
        meta->version != VERSION)
        return pages_damaged(finding, i, "it is no meta page");
    if (!is_page_size(meta->free.pad) || meta->free.flags != FREE_FLAGS || meta->main.flags != 0)
        return pages_damaged(finding, i, "the meta page's fields are wrong");
    if (meta->last_page < METAS - 1 || meta->last_page > (size_t)PTRDIFF_MAX / meta->free.pad - 1)
        return pages_damaged(finding, i, "the meta page's last page is wrong");
    return meta->txn == 0 || meta->txn % METAS == i ||
           pages_damaged(finding, i, "the meta page's commit belongs to the other one");
}

static void set_state(struct pages_state *state, const struct meta *meta)
{
    *state = (struct pages_state){.page_bytes = meta->free.pad,
                                  .txn = meta->txn,
                                  .last_page = meta->last_page,
                                  .free = meta->free,
                                  .main = meta->main};
}

/* Both meta pages: each commit writes the one that is older by one. */
static bool are_metas_sound(const struct page_head heads[METAS], const struct meta metas[METAS],
                            struct pages_finding *finding)
{
    for (size_t i = 0; i < METAS; i++)
        if (!is_meta_sound(&heads[i], &metas[i], i, finding))
            return false;
    size_t older = metas[0].txn < metas[1].txn ? metas[0].txn : metas[1].txn;
    size_t newer = metas[0].txn < metas[1].txn ? metas[1].txn : metas[0].txn;
    if (newer != 0 && newer != older + 1)
        return pages_damaged(finding, 0, "the meta pages' commits don't follow each other");
    return metas[0].free.pad == metas[1].free.pad ||
           pages_damaged(finding, 0, "the meta pages differ in the page size");
}

/* Does the file hold all that STATE needs? */
static bool check_length(const struct pages_source *source, const struct pages_state *state,
                         struct pages_finding *finding, struct error *err)
{
    char byte;
    size_t got;
    uint64_t end = ((uint64_t)state->last_page + 1) * state->page_bytes;
    if (!source->read(source->context, end - 1, &byte, 1, &got, err))
        return false;
    if (got != 1)
        pages_damaged(finding, state->last_page, "the file ends before it");
    return true;
}

static bool read_metas(const struct pages_source *source, struct page_head heads[METAS],
                       struct meta metas[METAS], struct pages_finding *finding, struct error *err)
{
    uint64_t offset = 0;
    for (size_t i = 0; i < METAS; i++) {
        char bytes[sizeof heads[i] + sizeof metas[i]];
        size_t got;
        if (!source->read(source->context, offset, bytes, sizeof bytes, &got, err))
            return false;
        if (got < sizeof bytes) {
            pages_damaged(finding, i, "the file ends before it");
            finding->verdict = i == 0 && got == 0 ? PAGES_ABSENT : PAGES_DAMAGED;
            return true;
        }
        memcpy(&heads[i], bytes, sizeof heads[i]);
        memcpy(&metas[i], bytes + sizeof heads[i], sizeof metas[i]);
        offset = metas[0].free.pad;
    }
    return true;
}

static bool is_other_version(const struct meta metas[METAS])
{
    return metas[0].magic == MAGIC && metas[1].magic == MAGIC && metas[0].version != VERSION &&
           metas[0].version == metas[1].version;
}

bool index_meta_read(const struct pages_source *source, struct pages_state states[PAGES_METAS],
                     struct pages_finding *finding, struct error *err)
{
    struct page_head heads[METAS];
    struct meta metas[METAS];
    *finding = (struct pages_finding){PAGES_SOUND, NULL, 0};
    if (!read_metas(source, heads, metas, finding, err))
        return false;
    if (finding->verdict != PAGES_SOUND)
        return true;
    if (is_other_version(metas))
        finding->verdict = PAGES_OTHER_VERSION;
    if (finding->verdict != PAGES_SOUND || !are_metas_sound(heads, metas, finding))
        return true;
    size_t newer = metas[1].txn > metas[0].txn; // as mdb_env_pick_meta
    set_state(&states[0], &metas[newer]);
    set_state(&states[1], &metas[1 - newer]);
    return check_length(source, &states[1], finding, err) &&
           (finding->verdict != PAGES_SOUND || check_length(source, &states[0], finding, err));
}
