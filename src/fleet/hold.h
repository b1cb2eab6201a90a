/* hold.h: hold a shard that was claimed: a child process does its job, and this one beats, brings the checkpoint into the
 * store, and ends the child when the shard is another's.
 *
 * The child sends and acknowledges only while this process lives and has, within the length of the lease, looked after
 * it: so a worker that was stopped and goes on (SIGSTOP, a sleeping machine) first looks whether its shard still is its
 * own. A store that gives no answer doesn't stop it. */
#ifndef BOBBIN_FLEET_HOLD_H
#define BOBBIN_FLEET_HOLD_H

#include "fleet/claim.h"

enum hold_end {
    HOLD_DONE, // all of the shard is acknowledged, and the store knows it
    HOLD_LOST, // another worker has it
    HOLD_BACK, // its job could not be done here, and the shard was handed back: see the status
};

struct hold_result {
    enum hold_end end;
    int status; // the child's exit status, for HOLD_BACK
};

/* Hold SHARD to its end, with O's settings; its spool is a directory of O's. Errors: ERROR_STOPPED: as asked; ERROR_CONFIG: the job was
 * cancelled or is gone; ERROR_DISK; ERROR_UNAVAILABLE: all is done, but the store could not be told. The shard was handed back, if
 * the store could be reached. */
MUST_CHECK bool hold_shard(struct claims *c, const struct job_options *o, struct shard *shard,
                           struct hold_result *result, struct error *err);

#endif
