/* fault.c: see fault.h. */
#include "base/fault.h"

#ifdef ENABLE_FAULT_POINTS
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

void fault_point(const char *name)
{
    static atomic_long passed;
    const char *wanted = getenv("BOBBIN_CRASH_AT");
    size_t length = strlen(name);
    if (wanted == NULL || strncmp(wanted, name, length) != 0)
        return;
    if (wanted[length] != '\0' && wanted[length] != ':')
        return;
    long count = wanted[length] == ':' ? strtol(wanted + length + 1, NULL, 10) : 1;
    if (atomic_fetch_add(&passed, 1) + 1 == count)
        raise(SIGKILL);
}
#else
typedef int fault_points_are_not_built; // an empty translation unit is not valid C
#endif
