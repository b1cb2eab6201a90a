/* segment.c: fuzzes the reader of segments, of frames' bodies and of the documents in them. The first byte
 * chooses: the rest is a whole segment, or a body behind a header that is good, which gets it past the
 * checksums. Frames are read one after the other, as long as they are good. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fuzz.h"
#include "sink/body.h"
#include "spool/segment.h"

enum { SEGMENT = 1, FRAME_MAX_BYTES = 16 << 20, RUNS_MAX = 1 << 20 };

/* A directory in memory, for as long as the process lives. */
static int directory(void)
{
    static char path[] = "/dev/shm/bobbin-fuzz-XXXXXX";
    static int dir = -1;
    if (dir < 0) {
        fuzz_require(mkdtemp(path) != NULL);
        dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fuzz_require(dir >= 0);
    }
    return dir;
}

static void write_segment(struct slice bytes)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(SEGMENT, name);
    int fd = openat(directory(), name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    fuzz_require(fd >= 0 && write(fd, bytes.data, bytes.size) == (ssize_t)bytes.size);
    close(fd);
}

static void append_header(struct slice body, struct buffer *segment)
{
    struct error err = {.kind = ERROR_NONE};
    struct frame frame = {.number = 1,
                          .documents = 1,
                          .raw_size = body.size,
                          .compressed_size = body.size,
                          .checksum = frame_checksum(body),
                          .first_key = {"1", 1},
                          .last_key = {"2", 1}};
    fuzz_require(frame_put_header(&frame, segment, &err));
    buffer_append(segment, body.data, body.size);
}

static void read_documents(struct slice body)
{
    struct body *reader;
    struct body_run run;
    struct error err = {.kind = ERROR_NONE};
    bool found = true;
    size_t document = 0;
    if (!body_new(&reader, &err))
        return;
    body_open(reader, body);
    for (int i = 0; i < RUNS_MAX && found && body_next(reader, &run, &found, &err); i++)
        if (found) {
            fuzz_require(run.document == document);
            document += run.is_last;
        }
    body_free(reader);
}

/* The end of the frame at OFFSET; 0 when it is not good. */
static uint64_t read_frame(uint64_t offset)
{
    struct buffer bytes;
    struct frame frame;
    struct slice body;
    const char *why = NULL;
    struct error err = {.kind = ERROR_NONE};
    uint64_t end = 0;
    buffer_init(&bytes, FRAME_MAX_BYTES);
    if (segment_read(directory(), SEGMENT, offset, &bytes, &frame, &body, &why, &err) &&
        why == NULL) {
        fuzz_require(frame_checksum(body) == frame.checksum);
        end = offset + bytes.size;
        read_documents(body);
    }
    buffer_free(&bytes);
    return end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = fuzz_slice(data, size);
    bool is_body = fuzz_take_byte(&input) % 2 == 1;
    struct buffer segment;
    buffer_init(&segment, SIZE_MAX);
    if (is_body)
        append_header(input, &segment);
    else
        buffer_append(&segment, input.data, input.size);
    write_segment(buffer_slice(&segment));
    buffer_free(&segment);
    for (uint64_t offset = 0, end = read_frame(0); end > offset; end = read_frame(offset))
        offset = end;
    return 0;
}
