/* page.h: the page for people: a bar for each task. One HTML document without anything from elsewhere, that loads itself
 * again every few seconds; without scripts. Pure. */
#ifndef BOBBIN_SERVE_PAGE_H
#define BOBBIN_SERVE_PAGE_H

#include <stddef.h>

#include "serve/task.h"

/* Append the page of TASKS, in this order, to OUT. */
void page_put(struct buffer *out, const struct task *tasks, size_t count);

#endif
