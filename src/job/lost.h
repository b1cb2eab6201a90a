/* lost.h: key ranges that the disk has lost: frames that are damaged or missing, and are parts to dump
 * again. They are logged when they are found, and named as long as nobody has dumped them. */
#ifndef BOBBIN_JOB_LOST_H
#define BOBBIN_JOB_LOST_H

#include "spool/spool.h"

/* Log that FRAME is lost: a spool's tell_loss. */
void lost_log_frame(const struct index_frame *frame, const char *why);

/* Append to OUT which keys PART is still to read, in words: "5 to 8", "after 5 to 8", "all". */
void lost_put_range(struct buffer *out, const struct index_part *part);

/* Are ranges of S lost and not dumped again? Then log each; ERR, which says why no dump has read them, becomes
 * ERROR_DAMAGED and names the first. Returns false. */
bool lost_explain(struct spool *s, struct error *err);

#endif
