/* index_map.c: see index_map.h. */
#include "spool/index_map.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "spool/index_meta.h"

/* Records are read side by side, and written to pages here and there; the kernel maps up to 64 KiB around
 * each page. So between two givings back there are a MiB or two. */
enum { READ_WEIGHT = 1, WRITE_WEIGHT = 128, MOST_WEIGHT = 1024 };

void index_map_init(struct index_map *map, size_t bytes, size_t page_bytes)
{
    map->bytes = bytes;
    map->page_bytes = page_bytes;
}

/* A mapping begins at a page of the machine's. If LMDB's are larger, where one begins isn't known. */
static bool is_aligned(const struct index_map *map)
{
    long machine = sysconf(_SC_PAGESIZE);
    return map->page_bytes > 0 && machine > 0 && map->page_bytes <= (size_t)machine;
}

void index_map_learn(struct index_map *map, const void *value)
{
    struct page_head head;
    if (atomic_load_explicit(&map->start, memory_order_relaxed) != NULL || !is_aligned(map))
        return;
    const char *page = (const char *)value - (uintptr_t)value % map->page_bytes;
    memcpy(&head, page, sizeof head); // it has its number: index_pages.h has checked them all
    char *start = (char *)(uintptr_t)page - head.number * map->page_bytes;
    atomic_store_explicit(&map->start, start, memory_order_relaxed);
}

static void use(struct index_map *map, unsigned weight)
{
    char *start = atomic_load_explicit(&map->start, memory_order_relaxed);
    unsigned used = atomic_fetch_add_explicit(&map->used, weight, memory_order_relaxed) + weight;
    if (start == NULL || used < MOST_WEIGHT)
        return;
    atomic_store_explicit(&map->used, 0, memory_order_relaxed);
    (void)madvise(start, map->bytes,
                  MADV_DONTNEED); // fails where pages are locked in memory: so be it
}

void index_map_read(struct index_map *map)
{
    use(map, READ_WEIGHT);
}

void index_map_write(struct index_map *map)
{
    use(map, WRITE_WEIGHT);
}
