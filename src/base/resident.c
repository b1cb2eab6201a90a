/* resident.c: see resident.h. */
#include "base/resident.h"

#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Nothing has written to a segment that can't be written, relocations included, so its pages are the file's:
 * MADV_DONTNEED (madvise(2)) loses nothing. Only pages that are the segment's alone. */
static void give_back(const struct dl_phdr_info *object, const ElfW(Phdr) * segment, size_t page)
{
    uintptr_t begin = object->dlpi_addr + segment->p_vaddr;
    uintptr_t end = begin + segment->p_filesz;
    begin += (page - begin % page) % page;
    end -= end % page;
    if (begin < end)
        (void)madvise((void *)begin, end - begin, MADV_DONTNEED); // at worst all stays as it is
}

static int see_object(struct dl_phdr_info *object, size_t size, void *page)
{
    (void)size;
    for (int i = 0; i < object->dlpi_phnum; i++)
        if (object->dlpi_phdr[i].p_type == PT_LOAD && !(object->dlpi_phdr[i].p_flags & PF_W))
            give_back(object, &object->dlpi_phdr[i], *(size_t *)page);
    return 0;
}

void resident_give_back_code(void)
{
    long page = sysconf(_SC_PAGESIZE);
    size_t page_bytes = (size_t)page;
    if (page > 0)
        dl_iterate_phdr(see_object, &page_bytes);
}
