/* settings.h: an index's settings as one flat object ("index.refresh_interval": "1s"), those that make
 * loading fast, and what is to come back afterwards. Pure. All return a new reference, NULL when there
 * is no memory. */
#ifndef BOBBIN_INDEX_SETTINGS_H
#define BOBBIN_INDEX_SETTINGS_H

#include <stdbool.h>

#include <jansson.h>

/* SETTINGS in any spelling that the cluster takes: nested or dotted, with or without "index." */
json_t *settings_flatten(json_t *settings);

/* What to set while an index of settings FLAT is loaded: no refresh, no replicas, and with IS_ASYNC a translog that is
 * synced every few seconds only. */
json_t *settings_for_loading(json_t *flat, bool is_async);

/* What brings back what LOADING changes: each as FLAT has it, else as OTHERWISE (or NULL) has it, else null, the
 * cluster's default. */
json_t *settings_to_restore(json_t *loading, json_t *flat, json_t *otherwise);

/* Those of FLAT that another index can be created with: not what the cluster itself noted (uuid, version ...), no
 * blocks. */
json_t *settings_to_copy(json_t *flat);

/* Would REPLACED settings, of settings_to_restore, need a flush, since acknowledged documents may not be synced? */
bool settings_need_flush(json_t *replaced);

#endif
