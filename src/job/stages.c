/* stages.c: see stages.h. */
#include "job/stages.h"

#include <pthread.h>
#include <time.h>

#include "base/stop.h"
#include "job/lost.h"

enum { OBSERVE_MS = 200 };

/* The stages that still run. */
struct running {
    pthread_mutex_t lock;
    pthread_cond_t stage_ended;
    int count;
};

struct stage {
    const struct stages *stages;
    struct running *running;
    bool (*work)(const struct stages *s, struct error *err);
    pthread_t thread;
    bool is_started;
    struct error err;
};

/* The dump's failure lets the replay send what is spooled, unless the disk is to blame. */
static bool work_dump(const struct stages *s, struct error *err)
{
    bool ok = feed_run(s->feed, s->spool, err);
    if (!ok && err->kind != ERROR_UNAVAILABLE && err->kind != ERROR_CONFIG &&
        err->kind != ERROR_DENIED && err->kind != ERROR_INPUT)
        stop_request();
    atomic_store(&s->live->is_dumping, false);
    return ok;
}

/* Without its replay a dump would only fill the disk. */
static bool work_replay(const struct stages *s, struct error *err)
{
    bool ok = replay_run(s->replay, s->spool, err);
    if (!ok)
        stop_request();
    return ok;
}

static void *run_stage(void *context)
{
    struct stage *stage = context;
    struct running *running = stage->running;
    (void)!stage->work(stage->stages, &stage->err);
    pthread_mutex_lock(&running->lock);
    running->count--;
    pthread_cond_signal(&running->stage_ended);
    pthread_mutex_unlock(&running->lock);
    return NULL;
}

static void start_stage(struct stage *stage, const struct stages *stages, struct running *running,
                        bool (*work)(const struct stages *s, struct error *err))
{
    *stage = (struct stage){
        .stages = stages, .running = running, .work = work, .err = {.kind = ERROR_NONE}};
    pthread_mutex_lock(&running->lock);
    running->count++;
    pthread_mutex_unlock(&running->lock);
    stage->is_started = pthread_create(&stage->thread, NULL, run_stage, stage) == 0;
    if (stage->is_started)
        return;
    error_set(&stage->err, ERROR_MEMORY, "no thread for a stage");
    pthread_mutex_lock(&running->lock);
    running->count--;
    pthread_mutex_unlock(&running->lock);
    stop_request();
}

/* Wait for a stage to end, at most OBSERVE_MS. False when none runs any more. */
static bool wait_for_stages(struct running *running)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += OBSERVE_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&running->lock);
    if (running->count > 0)
        pthread_cond_timedwait(&running->stage_ended, &running->lock, &until);
    bool is_running = running->count > 0;
    pthread_mutex_unlock(&running->lock);
    return is_running;
}

static void join_stage(struct stage *stage, struct error *err)
{
    if (stage->is_started)
        pthread_join(stage->thread, NULL);
    error_take_worse(err, &stage->err);
}

bool stages_run(const struct stages *s, job_observer *observe, void *context, struct error *err)
{
    struct running running = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    struct stage dump = {.is_started = false}, replay = {.is_started = false};
    *err = (struct error){.kind = ERROR_NONE};
    atomic_store(&s->live->is_dumping, s->feed != NULL);
    if (s->feed != NULL)
        start_stage(&dump, s, &running, work_dump);
    if (s->replay != NULL)
        start_stage(&replay, s, &running, work_replay);
    do {
        observe(context, s->spool, s->live);
    } while (wait_for_stages(&running));
    join_stage(&dump, err);
    join_stage(&replay, err);
    if (dump.err.kind == ERROR_UNAVAILABLE && err->kind == ERROR_UNAVAILABLE)
        lost_explain(s->spool, err); // now, as the replay may have found what is lost
    return err->kind == ERROR_NONE;
}
