/* index_map.h: what is resident of the index's file. LMDB reads it through a mapping, and each page that
 * was looked at, with its neighbours, counts as the process's memory until the kernel wants it back: a large
 * index would be the largest part of a small process. So the pages are given back every now and then.
 *
 * That loses nothing: LMDB never writes through the mapping (MDB_WRITEMAP is not used), what it reads stays in
 * the kernel's cache, and what is read again comes from there; madvise(2), "MADV_DONTNEED". So it is
 * allowed at any time, in any thread, also within transactions whose records are borrowed. */
#ifndef BOBBIN_SPOOL_INDEX_MAP_H
#define BOBBIN_SPOOL_INDEX_MAP_H

#include <stdatomic.h>
#include <stddef.h>

/* All zero: nothing is known yet, and nothing is given back. */
struct index_map {
    _Atomic(char *) start;
    size_t bytes; // of address space
    size_t page_bytes;
    atomic_uint used; // since pages were last given back
};

/* BYTES of address space, in pages of PAGE_BYTES. */
void index_map_init(struct index_map *map, size_t bytes, size_t page_bytes);

/* A value that a read transaction found at VALUE: it tells where the mapping is, which LMDB does not. */
void index_map_learn(struct index_map *map, const void *value);

/* A record is to be read, or written; once in a while all pages are given back. */
void index_map_read(struct index_map *map);
void index_map_write(struct index_map *map);

#endif
