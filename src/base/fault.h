/* fault.h: named crash points for the tests. Built only with --enable-fault-points; a release has
 * none.
 *
 * BOBBIN_CRASH_AT=NAME or NAME:N ends the process by SIGKILL when it passes that point for the N-th
 * time (1 when not given), as a power cut would. */
#ifndef BOBBIN_BASE_FAULT_H
#define BOBBIN_BASE_FAULT_H

#ifdef ENABLE_FAULT_POINTS
void fault_point(const char *name);
#else
#define fault_point(name) ((void)0)
#endif

#endif
