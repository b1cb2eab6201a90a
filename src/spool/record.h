/* record.h: the index's records <-> bytes. Pure. docs/spool-format.md gives the layout.
 *
 * A record is its fields, little-endian, and then XXH32 of them (record_seal, record_open). The put
 * functions begin OUT anew; the get functions borrow from the bytes and return false when the
 * fields don't fill them exactly. Numbers that are the record's key in the index are not among the
 * fields. */
#ifndef BOBBIN_SPOOL_RECORD_H
#define BOBBIN_SPOOL_RECORD_H

#include "base/bytes.h"
#include "spool/index.h"

enum { RECORD_FORMAT = 1 }; // the layout of all records; the job's begins with it

/* The format that a job's record says it has. */
uint32_t record_format(struct slice fields);

/* Append the check of all that OUT holds. */
void record_seal(struct buffer *out);

/* Verify the check at the end of *RECORD and take it off. */
bool record_open(struct slice *record);

void record_put_job(struct buffer *out, const struct index_job *job);
bool record_get_job(struct slice fields, struct index_job *job);

void record_put_part(struct buffer *out, const struct index_part *part);
bool record_get_part(struct slice fields, struct index_part *part);

void record_put_frame(struct buffer *out, const struct index_frame *frame);
bool record_get_frame(struct slice fields, struct index_frame *frame);

void record_put_segment(struct buffer *out, const struct index_segment *segment);
bool record_get_segment(struct slice fields, struct index_segment *segment);

#endif
