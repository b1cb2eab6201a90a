/* join_judge.c: all that the query, the dead letters and the index have of one id: what is wrong with it?
 * See join.h. */
#include "job/join_internal.h"

/* One id: its rows, and its documents. */
struct group {
    const struct join_record *rows;
    size_t row_count; // but unfit ones
    bool has_unfit, has_letter;
    const struct join_record *documents;
    size_t document_count;
};

static struct group split(const struct join_record *records, size_t count)
{
    struct group g = {.rows = records, .documents = records};
    for (size_t i = 0; i < count; i++) {
        enum join_kind kind = records[i].kind;
        g.row_count += kind < JOIN_UNFIT;
        g.has_unfit |= kind == JOIN_UNFIT;
        g.has_letter |= kind == JOIN_LETTER;
        g.document_count += kind == JOIN_DOCUMENT;
    }
    g.documents += count - g.document_count;
    return g;
}

static bool tell(const struct judging *j, enum join_verdict verdict, const struct join_record *row,
                 const struct join_record *document, struct error *err)
{
    j->counts->verdicts[verdict]++;
    return j->tell(j->context, verdict, row, document, err);
}

static bool is_same(const struct join_record *row, const struct join_record *document)
{
    return row->hash == document->hash && slice_equal(row->routing, document->routing);
}

/* Is the index as ROW wants it? */
static bool is_satisfied(const struct group *g, const struct join_record *row)
{
    if (row->kind == JOIN_DELETE)
        return g->document_count == 0;
    for (size_t i = 0; i < g->document_count; i++)
        if (row->kind == JOIN_UPDATE || is_same(row, &g->documents[i]))
            return true;
    return false;
}

/* Several rows may give one id, and the last one that was sent counts: so one that is satisfied is enough. */
static bool is_any_satisfied(const struct group *g)
{
    for (size_t i = 0; i < g->row_count; i++)
        if (is_satisfied(g, &g->rows[i]))
            return true;
    return false;
}

static bool judge_row(const struct judging *j, const struct group *g, struct error *err)
{
    const struct join_record *row = &g->rows[0];
    if (is_any_satisfied(g))
        return true;
    if (row->kind == JOIN_DELETE)
        return tell(j, JOIN_UNDELETED, row, &g->documents[0], err);
    if (g->has_letter)
        return tell(j, JOIN_REFUSED, row, NULL, err);
    if (g->document_count == 0)
        return tell(j, JOIN_MISSING, row, NULL, err);
    return tell(j, JOIN_DIFFERENT, row, &g->documents[0], err);
}

bool join_judge(const struct judging *j, const struct join_record *records, size_t count,
                struct error *err)
{
    struct group g = split(records, count);
    bool is_wanted = g.row_count > 0 && g.rows[0].kind != JOIN_DELETE;
    j->counts->rows += is_wanted;
    j->counts->partial += is_wanted && g.rows[0].kind == JOIN_UPDATE;
    j->counts->documents += g.document_count;
    if (g.row_count > 0 && !judge_row(j, &g, err))
        return false;
    if (g.has_unfit) // the row's own letter says that it is not there
        return g.row_count > 0 || tell(j, JOIN_REFUSED, records, NULL, err);
    bool is_extra = g.row_count == 0;
    for (size_t i = is_extra ? 0 : 1; i < g.document_count; i++)
        if (!tell(j, is_extra ? JOIN_EXTRA : JOIN_DOUBLE, is_extra ? NULL : &g.rows[0],
                  &g.documents[i], err))
            return false;
    return true;
}
