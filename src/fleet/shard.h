/* shard.h: what the store says of a shard: who holds it, and up to which key it is done. Pure: to and from the JSON of its
 * document, whose id is JOB:NUMBER. */
#ifndef BOBBIN_FLEET_SHARD_H
#define BOBBIN_FLEET_SHARD_H

#include "base/clock.h"
#include "fleet/store.h"

enum { SHARD_HOLDER_BYTES = 160, SHARD_ID_BYTES = 160 };

enum shard_state { SHARD_FREE, SHARD_HELD, SHARD_DONE };

struct shard {
    size_t number;
    enum shard_state state;
    uint64_t epoch; // how often it was taken
    uint64_t beat;  // of its holder, in this epoch
    int64_t lease_ms;
    char holder[SHARD_HOLDER_BYTES]; // now, or the last one; "": none yet
    char *key;                       // all of the shard up to here is done; NULL: nothing is yet
    bool is_inclusive;               // all before the key; else the key too
    uint64_t acknowledged, dead;     // by all holders
    uint64_t rows_per_s;             // of its holder, at the last beat
    char updated[CLOCK_TEXT_BYTES];  // when it was written, by its writer's clock: for people
    struct store_version version;
};

/* Of what document it is: a job's name and its id, that is another one when the job is planned anew. */
struct shard_job {
    const char *name;
    const char *id;
};

const char *shard_state_name(enum shard_state state);

/* The document's id. */
void shard_put_id(const char *job, size_t number, char out[SHARD_ID_BYTES]);

/* Fill S, of shard NUMBER, from JSON; it is to be freed. What is of another job than JOB, or nothing at all (NULL), is a
 * shard that nobody took yet. ERROR_CONFIG when it is no shard's. */
MUST_CHECK bool shard_read(struct shard *s, const struct shard_job *job, size_t number,
                           json_t *json, struct error *err);
void shard_free(struct shard *s);

/* S as JSON; NULL when there is no memory, or the key is no UTF-8. */
json_t *shard_json(const struct shard *s, const struct shard_job *job);

/* KEY (copied) is how far S is. */
MUST_CHECK bool shard_set_key(struct shard *s, struct slice key, bool is_inclusive,
                              struct error *err);

#endif
