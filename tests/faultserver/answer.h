/* answer.h: an answer on its way to the client, with the faults that its rule asks for. */
#ifndef BOBBIN_TESTS_FAULTSERVER_ANSWER_H
#define BOBBIN_TESTS_FAULTSERVER_ANSWER_H

#include <microhttpd.h>

#include "script.h"

/* Send STATUS and BODY (SIZE bytes, malloced: taken over) as RULE says. The thread is the connection's
 * own: it sleeps where the answer is slow. */
enum MHD_Result answer_send(struct MHD_Connection *connection, const struct rule *rule,
                            unsigned status, char *body, size_t size);

/* What never ends: the rest of a connection that stalls. */
_Noreturn void answer_stall(void);

#endif
