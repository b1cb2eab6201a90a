/* resident.h: memory that a process counts without needing it. */
#ifndef BOBBIN_BASE_RESIDENT_H
#define BOBBIN_BASE_RESIDENT_H

/* Give back what is resident of the program's and its libraries' code and constants: most of it was touched
 * by the linker and when libraries began, and won't be again. What is needed comes back from the kernel's cache
 * when it is. For any time, in any thread; worth its cost after start-up, before large buffers are made. */
void resident_give_back_code(void);

#endif
