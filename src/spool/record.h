/* record.h: the index's records <-> bytes. Pure. docs/spool-format.md gives the layout.
 *
 * A record is its fields, little-endian, and then XXH32 of them and their place (record_seal, record_open). The put
 * functions begin OUT anew; the get functions borrow from the bytes and return false when the
 * fields don't fill them exactly. Numbers that are the record's key in the index are not among the
 * fields. */
#ifndef BOBBIN_SPOOL_RECORD_H
#define BOBBIN_SPOOL_RECORD_H

#include "base/bytes.h"
#include "spool/index.h"

/* The tables of the index, in the order of their names. */
enum table { TABLE_DONE, TABLE_PENDING, TABLE_META, TABLE_PARTS, TABLE_SEGMENTS, TABLES };
enum meta {
    META_JOB = 1,
    META_DESCRIPTION = 2,
    META_TARGET = 3,
    META_INPUT = 4
}; // the keys of TABLE_META

enum { RECORD_FORMAT = 1 }; // the layout of all records; the job's begins with it

/* The format that a job's record says it has. */
uint32_t record_format(struct slice fields);

/* Append the check of all that OUT holds, and of where it will stand: table and number. */
void record_seal(struct buffer *out, enum table table, uint64_t number);

/* Verify the check at the end of *RECORD and take it off. */
bool record_open(struct slice *record, enum table table, uint64_t number);

void record_put_job(struct buffer *out, const struct index_job *job);
bool record_get_job(struct slice fields, struct index_job *job);

void record_put_part(struct buffer *out, const struct index_part *part);
bool record_get_part(struct slice fields, struct index_part *part);

void record_put_frame(struct buffer *out, const struct index_frame *frame);
bool record_get_frame(struct slice fields, struct index_frame *frame);

void record_put_segment(struct buffer *out, const struct index_segment *segment);
bool record_get_segment(struct slice fields, struct index_segment *segment);

#endif
