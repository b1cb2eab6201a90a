/* fields.h: can the fields of an index be searched for terms? */
#ifndef BOBBIN_INDEX_FIELDS_H
#define BOBBIN_INDEX_FIELDS_H

#include "sink/question.h"

/* Has INDEX all of FIELDS (NULL at the end), and can they be searched? A name that is misspelt would find nothing. ODD: how many
 * terms a field of type text may never hold (terms_count_odd), which is warned of. ERROR_CONFIG. */
MUST_CHECK bool fields_check(struct question_hosts *hosts, const char *index,
                             const char *const *fields, size_t odd, struct error *err);

#endif
