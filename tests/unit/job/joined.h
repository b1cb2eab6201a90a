/* joined.h: for the tests of the join: a scratch file, records in short, and verdicts as lines. */
#ifndef BOBBIN_TESTS_JOINED_H
#define BOBBIN_TESTS_JOINED_H

#include <fcntl.h>

#include "base/file.h"
#include "job/join.h"
#include "unit.h"

static char *joined_directory;
static struct scratch *joined_scratch;
static struct join *joined;
static struct join_counts joined_counts;
static struct buffer joined_verdicts; // "missing 7\n"
static struct error joined_err;

static inline void joined_set_up(void)
{
    int dir;
    joined_directory = unit_make_directory();
    joined_err = (struct error){.kind = ERROR_NONE};
    unit_assert_ok(file_open_directory(&dir, joined_directory, false, &joined_err), joined_err);
    unit_assert_ok(scratch_open(&joined_scratch, dir, &joined_err), joined_err);
    unit_assert_ok(join_new(&joined, joined_scratch, &joined_err), joined_err);
    buffer_init(&joined_verdicts, 64 << 20);
    file_close(&dir);
}

static inline void joined_tear_down(void)
{
    join_free(joined);
    scratch_close(joined_scratch);
    buffer_free(&joined_verdicts);
    unit_remove_directory(joined_directory);
}

static inline bool joined_tell(void *context, enum join_verdict verdict,
                               const struct join_record *row, const struct join_record *document,
                               struct error *err)
{
    static const char *const names[] = {"missing",   "different", "extra",
                                        "undeleted", "double",    "refused"};
    const struct join_record *r = row != NULL ? row : document;
    (void)err;
    ck_assert_ptr_eq(context, &joined_verdicts);
    ck_assert(row == NULL || row->kind < JOIN_UNFIT ||
              (row->kind == JOIN_UNFIT && verdict == JOIN_REFUSED));
    ck_assert(document == NULL || document->kind == JOIN_DOCUMENT);
    ck_assert_int_eq(row == NULL, verdict == JOIN_EXTRA);
    ck_assert_int_eq(document == NULL, verdict == JOIN_MISSING || verdict == JOIN_REFUSED);
    buffer_append_format(&joined_verdicts, "%s %.*s\n", names[verdict], (int)r->id.size,
                         r->id.data);
    return true;
}

static inline void joined_add(enum join_kind kind, const char *id, const char *routing,
                              uint64_t hash)
{
    struct join_record r = {.kind = kind, .id = slice_of(id), .hash = hash};
    if (routing != NULL)
        r.routing = slice_of(routing);
    r.place = kind == JOIN_DOCUMENT ? slice_of("") : r.id;
    unit_assert_ok(join_add(joined, &r, &joined_err), joined_err);
}

static inline void joined_run(void)
{
    unit_assert_ok(join_run(joined, joined_tell, &joined_verdicts, &joined_counts, &joined_err),
                   joined_err);
}

#endif
