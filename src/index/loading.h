/* loading.h: an index that is created with settings for loading, of a body in memory. See steps.h. */
#ifndef BOBBIN_INDEX_LOADING_H
#define BOBBIN_INDEX_LOADING_H

#include "index/look.h"

#define LOADING_NOTE "restore" // the note of what step_restore sets

/* BODY is to create INDEX: its settings become flat, with those for loading over them, and its mappings get the note. What an
 * index template brings for it is asked for. */
MUST_CHECK bool loading_tune_body(struct question_hosts *hosts, const char *index, json_t *body,
                                  bool is_async, struct error *err);

/* Create INDEX. *IS_CREATED false: it was there already, perhaps by an earlier try. */
MUST_CHECK bool loading_create(struct question_hosts *hosts, const char *index, const json_t *body,
                               bool *is_created, struct error *err);

#endif
