/* serve.c: see serve.h. */
#include "serve/serve.h"

#include <unistd.h>

#include "base/log.h"
#include "base/manager.h"
#include "serve/listen.h"
#include "serve/model.h"
#include "serve/server.h"
#include "serve/supervise.h"

/* At the service manager's socket, when it hands one over, else at --listen. */
static bool begin_to_listen(const struct serve_options *o, int *fd,
                            char address[LISTEN_ADDRESS_BYTES], bool *is_local, struct error *err)
{
    if (!manager_take_socket(fd, err))
        return false;
    if (*fd < 0)
        return listen_open(fd, o->listen, address, is_local, err);
    if (listen_describe(*fd, address, is_local, err))
        return true;
    close(*fd);
    return error_wrap(err, "the service manager's socket");
}

/* Answer requests, and do TASKS. */
static bool serve(const struct serve_options *o, struct tasks_store *store, struct tasks *tasks,
                  struct error *err)
{
    struct server *server;
    char address[LISTEN_ADDRESS_BYTES];
    bool is_local;
    int fd;
    if (!begin_to_listen(o, &fd, address, &is_local, err))
        return false;
    if (!is_local && o->token == NULL)
        log_message(LOG_WARNING,
                    "everybody who reaches %s may give tasks: --token-file asks them "
                    "for a token",
                    address);
    struct route_context context = {tasks, o->models, o->token, address};
    if (!server_open(&server, fd, &context, err))
        return false;
    log_message(LOG_INFO, "listening on http://%s", address);
    manager_notify("READY=1");
    bool ok = supervise(tasks, store, o->models, (size_t)o->tasks, o->give_up_after_ms, err);
    manager_notify("STOPPING=1");
    server_close(server);
    return ok;
}

bool serve_run(const struct serve_options *o, struct error *err)
{
    struct tasks_store *store = NULL;
    struct tasks *tasks = NULL;
    bool ok = model_check_directory(o->models, err) && tasks_store_open(&store, o->state, err) &&
              tasks_open(&tasks, store, err) && serve(o, store, tasks, err);
    tasks_close(tasks);
    tasks_store_close(store);
    return ok;
}
