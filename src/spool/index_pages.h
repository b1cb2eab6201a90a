/* index_pages.h: are the pages of an LMDB file sound? To be asked before LMDB reads them: LMDB has no
 * checksums and trusts its pages, so that a changed byte could crash it, lead it in circles, or hide
 * records. Pure: reads through a function.
 *
 * Every page that the tables and the list of free pages reach is looked at: its number, kind, bounds,
 * the order of its keys, and what its parent says of it; no page may be used twice, and all counts
 * must be true. What the values mean is not looked at: they carry checks of their own (record.h). The
 * layout: see index_meta.h. */
#ifndef BOBBIN_SPOOL_INDEX_PAGES_H
#define BOBBIN_SPOOL_INDEX_PAGES_H

#include "spool/index_meta.h"

/* Check all pages of STATE, which must stay as they are meanwhile (a read transaction holds them). Its
 * tables are the COUNT names of TABLES, sorted, or none. False when it couldn't be checked: SOURCE's
 * errors, ERROR_MEMORY. */
MUST_CHECK bool index_pages_check(const struct pages_source *source,
                                  const struct pages_state *state, const char *const *tables,
                                  size_t count, struct pages_finding *finding, struct error *err);

#endif
