/* pieces.c: see pieces.h. */
#include "spool/pieces.h"

#include <stdio.h>
#include <stdlib.h>

#include <xxhash.h>

#include "base/file.h"

enum {
    PIECE_BYTES = 32 << 10, // with its buffer in zstd, what a request in flight holds of its frame
    NAME_BYTES = 32,
};

struct pieces {
    int dir; // borrowed
    char name[NAME_BYTES];
    uint64_t offset, size;
    XXH64_hash_t *hashes; // one for each piece
    size_t capacity;
    XXH64_state_t *whole;
    char bytes[PIECE_BYTES];
};

bool pieces_new(struct pieces **out, struct error *err)
{
    struct pieces *p = calloc(1, sizeof *p);
    if (p == NULL)
        return error_set_memory(err);
    p->whole = XXH64_createState();
    if (p->whole == NULL) {
        free(p);
        return error_set_memory(err);
    }
    *out = p;
    return true;
}

void pieces_free(struct pieces *p)
{
    if (p == NULL)
        return;
    XXH64_freeState(p->whole);
    free(p->hashes);
    free(p);
}

static bool need_hashes(struct pieces *p, uint64_t size, struct error *err)
{
    size_t count = (size_t)(size / PIECE_BYTES) + 1;
    if (count <= p->capacity)
        return true;
    XXH64_hash_t *grown = realloc(p->hashes, count * sizeof *grown);
    if (grown == NULL)
        return error_set_memory(err);
    p->hashes = grown;
    p->capacity = count;
    return true;
}

/* The piece at byte AT of the body, as the file has it; it is shorter when the file ends in it. */
static bool load(struct pieces *p, int fd, uint64_t at, struct slice *piece, struct error *err)
{
    uint64_t left = p->size - at;
    size_t size = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
    *piece = (struct slice){p->bytes, 0};
    return file_read_at(fd, p->name, p->offset + at, p->bytes, size, &piece->size, err);
}

bool pieces_check(struct pieces *p, int dir, const char *name, int fd, uint64_t offset,
                  uint64_t size, uint64_t *checksum, bool *is_whole, struct error *err)
{
    struct slice piece;
    p->dir = dir;
    p->offset = offset;
    p->size = size;
    snprintf(p->name, sizeof p->name, "%s", name);
    if (!need_hashes(p, size, err))
        return false;
    (void)XXH64_reset(p->whole, 0); // fails for no state but NULL, as does an update
    uint64_t at = 0;
    for (; at < size; at += piece.size) {
        if (!load(p, fd, at, &piece, err))
            return false;
        if (piece.size == 0)
            break;
        (void)XXH64_update(p->whole, piece.data, piece.size);
        p->hashes[at / PIECE_BYTES] = XXH3_64bits(piece.data, piece.size);
    }
    *checksum = XXH64_digest(p->whole);
    *is_whole = at == size;
    return true;
}

static bool read_piece(void *context, uint64_t at, struct slice *piece, struct error *err)
{
    struct pieces *p = context;
    uint64_t left = p->size - at;
    int fd;
    if (!file_open(&fd, p->dir, p->name, false, err))
        return false;
    bool ok = fd >= 0 && load(p, fd, at, piece, err);
    file_close(&fd);
    if (!ok && err->kind != ERROR_NONE)
        return false;
    return (ok && piece->size == (left < PIECE_BYTES ? left : PIECE_BYTES) &&
            XXH3_64bits(piece->data, piece->size) == p->hashes[at / PIECE_BYTES]) ||
           error_set(err, ERROR_DAMAGED, "file %s has changed since it was checked", p->name);
}

struct body_source pieces_source(struct pieces *p)
{
    return (struct body_source){read_piece, p, p->size};
}
