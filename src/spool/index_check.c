/* index_check.c: see index_check.h. */
#include "spool/index_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "spool/index.h"
#include "spool/index_pages.h"

enum {
    WHY_BYTES = 256,
    LOOKS = 100,            // until a reading is not torn by a commit
    LEAST_BYTES = 2 * 4096, // LMDB begins with two pages, and this is the smallest size of one
    MAGIC_AT = 16,          // in each of them, in the machine's byte order (mdb.c, MDB_meta)
};

bool index_damaged(struct error *err, const char *format, ...)
{
    char why[WHY_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return error_set(err, ERROR_DAMAGED,
                     "%s: %s; bobbin verify --rebuild makes a new one from the segments",
                     INDEX_FILE, why);
}

static bool read_file(const void *context, uint64_t offset, void *out, size_t size, size_t *got,
                      struct error *err)
{
    const int *fd = context;
    return file_read_at(*fd, INDEX_FILE, offset, out, size, got, err);
}

static bool judge(const struct pages_finding *finding, struct error *err)
{
    if (finding->verdict == PAGES_OTHER_VERSION)
        return error_set(err, ERROR_CONFIG,
                         "%s is of another version of LMDB: finish the job where it was begun",
                         INDEX_FILE);
    return finding->verdict != PAGES_DAMAGED ||
           index_damaged(err, "page %" PRIu64 " is damaged: %s", finding->page, finding->why);
}

bool index_check_metas(int fd, bool *is_absent, struct error *err)
{
    const struct pages_source source = {read_file, &fd};
    struct pages_state states[PAGES_METAS];
    struct pages_finding finding = {.verdict = PAGES_DAMAGED};
    for (int i = 0; i < LOOKS && finding.verdict == PAGES_DAMAGED; i++)
        if (!index_meta_read(&source, states, &finding, err))
            return false;
    *is_absent = finding.verdict == PAGES_ABSENT;
    return judge(&finding, err);
}

bool index_check_commit(int fd, size_t txn, const char *const *tables, size_t count, bool *is_found,
                        struct error *err)
{
    const struct pages_source source = {read_file, &fd};
    struct pages_state states[PAGES_METAS];
    struct pages_finding finding;
    *is_found = false;
    if (!index_meta_read(&source, states, &finding, err))
        return false;
    if (finding.verdict != PAGES_SOUND)
        return true; // torn by a commit
    for (size_t i = 0; i < PAGES_METAS; i++) {
        if (states[i].txn != txn)
            continue;
        *is_found = true;
        return index_pages_check(&source, &states[i], tables, count, &finding, err) &&
               judge(&finding, err);
    }
    return true;
}

bool index_is_cut_short(int dir, bool *is_short, struct error *err)
{
    char page[MAGIC_AT + sizeof(uint32_t)] = {0};
    const uint32_t magic = 0xBEEFC0DE;
    uint64_t size = 0;
    size_t got;
    int fd;
    if (!file_open(&fd, dir, INDEX_FILE, false, err))
        return false;
    bool ok = fd < 0 || (file_size(fd, INDEX_FILE, &size, err) &&
                         file_read_at(fd, INDEX_FILE, 0, page, sizeof page, &got, err));
    file_close(&fd);
    *is_short = size < LEAST_BYTES && memcmp(page + MAGIC_AT, &magic, sizeof magic) == 0;
    return ok;
}
