/* look.h: what stands behind an index's name: its settings, mappings and aliases, and what bobbin noted in it.
 *
 * Notes stand in the mapping's _meta, as _meta.bobbin.NAME: so they are where the index is, also after a kill
 * and for a run on another machine. _meta has no compare-and-swap: of two commands that note something at the
 * same moment one may lose its note. */
#ifndef BOBBIN_INDEX_LOOK_H
#define BOBBIN_INDEX_LOOK_H

#include "index/ask.h"

struct look {
    const char *asked; // the name, borrowed
    json_t *
        json; // all indices behind it: {"NAME": {"aliases", "mappings", "settings", "data_stream"}}
    const char *name; // of the only one; NULL: there is none, or there are several
    json_t *index;    // it; borrowed from json, as are these
    json_t *settings; // flat
    json_t *mappings;
    json_t *aliases;
};

/* ERROR_CONFIG unless NAME can be the name of one index: no pattern, no list. */
MUST_CHECK bool look_check_name(const char *name, struct error *err);

/* Look what stands behind NAME. Nothing: l->json is empty. The caller frees *L, also after an error. */
MUST_CHECK bool look_at(struct question_hosts *hosts, const char *name, struct look *l,
                        struct error *err);

/* ERROR_CONFIG unless an index of that very name stands there, and of no data stream. */
MUST_CHECK bool look_check_is_index(const struct look *l, struct error *err);

/* Both. */
MUST_CHECK bool look_at_index(struct question_hosts *hosts, const char *name, struct look *l,
                              struct error *err);
void look_free(struct look *l);

bool look_is_missing(const struct look *l);

/* Is the name an alias' or a data stream's? */
bool look_is_other_name(const struct look *l);

/* The index's uuid, "" when the cluster tells none. */
const char *look_uuid(const struct look *l);

/* What is noted in the index as NAME, borrowed; NULL: nothing. */
json_t *look_note(const struct look *l, const char *name);

/* Note VALUE in the index (L is of look_at_index), or, when it is NULL, forget what was noted. L sees it. Notes of other
 * names, and what others have in _meta, stay. VALUE's reference is taken, also on an error. */
MUST_CHECK bool look_put_note(struct question_hosts *hosts, struct look *l, const char *name,
                              json_t *value, struct error *err);

/* Put the note into MAPPINGS, of an index that is to be created. VALUE's reference is taken. False: no memory. */
bool look_put_first_note(json_t *mappings, const char *name, json_t *value);

#endif
