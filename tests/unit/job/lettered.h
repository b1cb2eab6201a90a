/* lettered.h: for the tests of dead letters: a spool (spooled.h's) all of whose documents were refused, each
 * third one for another reason. */
#ifndef BOBBIN_TESTS_LETTERED_H
#define BOBBIN_TESTS_LETTERED_H

#include "../spool/spooled.h"
#include "job/letters.h"
#include "sink/dead.h"

static struct spool *lettered_spool;
static struct job_options lettered_options;
static struct error lettered_err;

enum { LETTERED_IN_A_FRAME = 4 };

static inline void lettered_tear_down(void)
{
    spool_close(lettered_spool);
    spooled_tear_down();
}

static inline void lettered_put(struct buffer *out, uint64_t number, const struct slice keys[2])
{
    char action[64], source[64];
    size_t start = out->size;
    const char *why = number % 3 == 0 ? "{\"type\":\"date\",\"reason\":\"no day\"}"
                                      : "{\"type\":\"mapper\",\"reason\":\"no number\"}";
    snprintf(action, sizeof action, "{\"index\":{\"_id\":\"%" PRIu64 "\"}}", number);
    snprintf(source, sizeof source, "{\"n\":%" PRIu64 "}", number);
    dead_format(out, slice_of(action), slice_of(source), 400, slice_of(why));
    dead_seal(out, start, keys);
}

/* The letters of the frame that begins with document FIRST. */
static inline void lettered_put_frame(struct buffer *out, uint64_t first)
{
    char first_key[32], last_key[32];
    snprintf(first_key, sizeof first_key, "%" PRIu64, first);
    snprintf(last_key, sizeof last_key, "%" PRIu64, first + LETTERED_IN_A_FRAME - 1);
    const struct slice keys[2] = {slice_of(first_key), slice_of(last_key)};
    for (uint64_t i = 0; i < LETTERED_IN_A_FRAME; i++)
        lettered_put(out, first + i, keys);
}

static inline void lettered_acknowledge(uint64_t frame, uint64_t dead, uint64_t dead_bytes)
{
    const struct spool_acknowledgement a = {frame, 0, dead};
    const struct spool_counters counters = {.requests = 1};
    unit_assert_ok(spool_acknowledge(lettered_spool, &a, 1, dead_bytes, &counters, &lettered_err),
                   lettered_err);
}

/* Append LINES to the file that holds SIZE bytes; its size then. */
static inline uint64_t lettered_append(uint64_t size, struct slice lines)
{
    struct dead_file *file;
    unit_assert_ok(dead_open(&file, spool_directory(lettered_spool), size, &lettered_err),
                   lettered_err);
    unit_assert_ok(dead_append(file, lines, &size, &lettered_err), lettered_err);
    dead_close(file);
    return size;
}

/* FRAMES frames of four documents, dumped and refused. */
static inline void lettered_begin(uint64_t frames)
{
    struct buffer lines;
    uint64_t size = 0;
    buffer_init(&lines, 1 << 20);
    lettered_options = (struct job_options){
        .spool = spooled_path, .level = 1, .frame_bytes = 1 << 20, .max_dead = 10000};
    lettered_spool = spooled_new();
    for (uint64_t i = 0; i < frames; i++)
        spooled_append(lettered_spool, 1 + i * LETTERED_IN_A_FRAME, LETTERED_IN_A_FRAME);
    unit_assert_ok(spool_finish_part(lettered_spool, 0, &lettered_err), lettered_err);
    unit_assert_ok(spool_finish_dump(lettered_spool, &lettered_err), lettered_err);
    for (uint64_t i = 0; i < frames; i++) {
        buffer_clear(&lines);
        lettered_put_frame(&lines, 1 + i * LETTERED_IN_A_FRAME);
        size = lettered_append(size, buffer_slice(&lines));
        lettered_acknowledge(i + 1, LETTERED_IN_A_FRAME, size);
    }
    buffer_free(&lines);
}

/* Change the byte at OFFSET of the file. */
static inline void lettered_damage(off_t offset)
{
    char byte;
    int fd = open(spooled_file(DEAD_FILE), O_RDWR);
    ck_assert_int_eq(pread(fd, &byte, 1, offset), 1);
    byte ^= 1;
    ck_assert_int_eq(pwrite(fd, &byte, 1, offset), 1);
    close(fd);
}

#endif
