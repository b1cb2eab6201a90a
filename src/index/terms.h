/* terms.h: a list of terms from a file or a URL, and the query for documents that hold one of them. */
#ifndef BOBBIN_INDEX_TERMS_H
#define BOBBIN_INDEX_TERMS_H

#include <jansson.h>

#include "job/job.h"

enum { TERMS_MAX_BYTES = 16 << 20, TERMS_CLAUSE_MAX = 65536 }; // index.max_terms_count, unless set

/* Read WHERE, a file's path or an http or https URL: a term on each line, without the blanks around it; empty lines don't
 * count. *TERMS: an array of strings, the caller's. A URL is fetched through O's proxy within O's request timeout, without any of
 * the cluster's credentials. ERROR_CONFIG: it can't be read, isn't UTF-8, or has no term; ERROR_UNAVAILABLE: the URL's host
 * does not answer. */
MUST_CHECK bool terms_read(const char *where, const struct job_options *o, json_t **terms,
                           struct error *err);

/* The clauses {"terms": {FIELD: [...]}} for each of FIELDS (NULL at the end), of at most MOST terms each: a new array. NULL: no
 * memory. The terms are not analysed: in a field of type text they are compared with the tokens. */
json_t *terms_clauses(json_t *terms, const char *const *fields, size_t most);

/* How many of TERMS no token of a usual analyser (lower case, no blanks) can be equal to. */
size_t terms_count_odd(json_t *terms);

#endif
