/* replay.c: the replay's loop: keep requests in flight, take answers, acknowledge. One thread. What an
 * answer means for a frame is in replay_answer.c, how it is made ready in replay_open.c. */
#include "job/replay.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/resident.h"
#include "base/stop.h"
#include "job/replay_internal.h"

enum {
    POLL_MS = 500,  // at most so long until the index is asked again for frames
    STOP_MS = 4000, // in-flight requests may end within this after a stop request
};

/* --- sending --- */

static bool send_request(struct replay *r, struct slot *slot, size_t host, struct error *err)
{
    const struct http_body *body;
    if (!delivery_prepare(slot->delivery, sizing_limit(&r->sizing), &body, err))
        return error_wrap(err, "frame %llu", (unsigned long long)slot->frame.number);
    if (slot->gzip != NULL)
        body = gzip_body(slot->gzip, body);
    buffer_clear(&r->url);
    buffer_append_string(&r->url, throttle_host(r->throttle, host));
    buffer_append(&r->url, r->path.data, r->path.size);
    struct http_request request = {
        .method = "POST",
        .url = buffer_string(&r->url),
        .content_type = "application/x-ndjson",
        .body = body,
        .owner = slot,
    };
    if (!http_start(r->http, &request, err))
        return false;
    uint64_t bytes;
    size_t documents = delivery_sending(slot->delivery, &bytes);
    rate_sent(&r->rate, clock_monotonic_ms(), documents, bytes);
    slot->state = SLOT_IN_FLIGHT;
    slot->host = host;
    throttle_sent(r->throttle, host);
    r->in_flight++;
    return true;
}

/* A frame whose bytes are damaged is never sent: its keys will be dumped again. */
static bool lose_frame(struct replay *r, struct slot *slot, const char *why, struct error *err)
{
    slot->state = SLOT_FREE;
    r->has_more_now = true;
    return spool_lose_frame(r->spool, slot->frame.number, why, err);
}

static bool need_delivery(const struct replay *r, struct slot *slot, struct error *err)
{
    return (slot->pieces != NULL || pieces_new(&slot->pieces, err)) &&
           (slot->delivery != NULL || delivery_new(&slot->delivery, err)) &&
           (slot->gzip != NULL || !r->options->gzip || gzip_new(&slot->gzip, err));
}

/* Check SLOT's frame and begin with it. */
static bool open_frame(struct replay *r, struct slot *slot, struct error *err)
{
    struct slice rows;
    const char *why;
    bool is_dead = slot->frame.kind == FRAME_DEAD_ROWS;
    if (!(is_dead
              ? spool_read_frame(r->spool, &slot->frame, &slot->header, &rows, &why, err)
              : spool_check_frame(r->spool, &slot->frame, &slot->header, slot->pieces, &why, err)))
        return false;
    if (why != NULL)
        return lose_frame(r, slot, why, err);
    if (is_dead)
        return replay_take_dead_rows(r, slot, rows, err);
    slot->state = SLOT_WAITING;
    slot->due_ms = 0;
    struct body_source body = pieces_source(slot->pieces);
    return delivery_begin(slot->delivery, &body, slot->frame.documents, slot->frame.raw_size, err);
}

/* Put the next pending frame into SLOT; it stays free when there is none. */
static bool load_frame(struct replay *r, struct slot *slot, struct error *err)
{
    bool found;
    if (!spool_next_frame(r->spool, FRAMES_PENDING, r->next_frame, &slot->frame, &found, err) ||
        !found)
        return err->kind == ERROR_NONE;
    if (!need_delivery(r, slot, err))
        return false;
    r->next_frame = slot->frame.number + 1;
    slot->attempts = slot->unanswered = 0;
    slot->done = slot->dead = 0;
    return open_frame(r, slot, err);
}

/* The frame's body was not what was checked, or could not be read: so check it anew. */
static bool open_again(struct replay *r, struct slot **slot, struct error *err)
{
    struct slot *again = *slot;
    *slot = NULL;
    r->dead_count -= again->dead; // all its documents are sent again, and refused again
    again->done = again->dead = 0;
    if (!open_frame(r, again, err))
        return false;
    if (again->state == SLOT_WAITING)
        *slot = again;
    return true;
}

/* The slot in STATE that is due for the longest time; NULL: none is. */
static struct slot *find_due(struct replay *r, enum slot_state state, int64_t now)
{
    struct slot *found = NULL;
    for (size_t i = 0; i < r->slot_count; i++) {
        struct slot *slot = &r->slots[i];
        if (slot->state == state && slot->due_ms <= now &&
            (found == NULL || slot->due_ms < found->due_ms))
            found = slot;
    }
    return found;
}

/* A slot whose frame can be sent now; a free one is filled. NULL: nothing to send. What has failed
 * comes last: a frame that fails each time must not be all that is ever tried. */
static bool next_slot(struct replay *r, int64_t now, struct slot **out, struct error *err)
{
    *out = find_due(r, SLOT_WAITING, now);
    if (*out != NULL && delivery_is_unreadable((*out)->delivery))
        return open_again(r, out, err);
    if (*out != NULL && (*out)->attempts == 0)
        return true;
    struct slot *free_slot = find_due(r, SLOT_FREE, INT64_MAX);
    if (free_slot == NULL)
        return true;
    if (!load_frame(r, free_slot, err))
        return false;
    if (free_slot->state == SLOT_WAITING)
        *out = free_slot;
    return true;
}

/* A worker whose shard may be another's by now waits. */
static bool may_go_on(const struct replay *r)
{
    const struct job_gate *gate = r->options->gate;
    return gate == NULL || gate->is_open(gate->context);
}

/* Must SLOT's request wait for --max-rate? It is nobody's fault then that nothing goes on, unless it failed before. */
static bool is_held_back(struct replay *r, const struct slot *slot, int64_t now, int64_t *wait_ms)
{
    int64_t wait = rate_wait_ms(&r->rate, now);
    if (wait == 0)
        return false;
    if (r->in_flight == 0 && slot->attempts == 0)
        r->progress_ms = now;
    *wait_ms = wait;
    return true;
}

/* Send as much as the throttle allows. *WAIT_MS: when to come back at the latest. */
static bool send_requests(struct replay *r, int64_t *wait_ms, struct error *err)
{
    while (r->in_flight < (r->is_wary ? 1 : throttle_limit(r->throttle)) && may_go_on(r)) {
        int64_t now = clock_monotonic_ms();
        struct slot *slot;
        size_t host;
        if (!next_slot(r, now, &slot, err))
            return false;
        if (slot == NULL)
            return true;
        if (is_held_back(r, slot, now, wait_ms) || !throttle_pick(r->throttle, now, &host, wait_ms))
            return true;
        if (!send_request(r, slot, host, err))
            return false;
    }
    return true;
}

/* --- acknowledging --- */

/* Acknowledge all frames that are complete, in one commit: dead letters first. */
static bool acknowledge(struct replay *r, struct error *err)
{
    struct spool_acknowledgement frames[JOB_IN_FLIGHT_MAX];
    size_t count = 0;
    for (size_t i = 0; i < r->slot_count; i++) {
        struct slot *slot = &r->slots[i];
        if (slot->state != SLOT_COMPLETE)
            continue;
        frames[count++] =
            (struct spool_acknowledgement){slot->frame.number, slot->done, slot->dead};
    }
    if (count == 0 || !may_go_on(r))
        return true;
    struct spool_counters counters = {r->requests, r->retries, (uint32_t)r->in_flight};
    if (!replay_sync_dead_letters(r, err) ||
        !spool_acknowledge(r->spool, frames, count, r->dead_bytes, &counters, err))
        return false;
    r->requests = r->retries = 0;
    for (size_t i = 0; i < r->slot_count; i++)
        if (r->slots[i].state == SLOT_COMPLETE)
            r->slots[i].state = SLOT_FREE;
    return true;
}

/* --- the loop --- */

static bool take_answers(struct replay *r, struct error *err)
{
    struct http_response response;
    bool ok = true;
    while (ok && http_take_response(r->http, &response)) {
        if (response.owner == &r->guard) {
            ok = guard_take_answer(r, &response, err);
        } else {
            struct slot *slot = response.owner;
            r->in_flight--;
            throttle_ended(r->throttle, slot->host);
            ok = replay_take_answer(r, slot, &response, err);
        }
        http_release(r->http, &response);
    }
    return acknowledge(r, ok ? err : &(struct error){.kind = ERROR_NONE}) && ok;
}

static bool is_idle(const struct replay *r)
{
    for (size_t i = 0; i < r->slot_count; i++)
        if (r->slots[i].state != SLOT_FREE)
            return false;
    return true;
}

/* No progress while there was something to send. */
static bool check_progress(struct replay *r, struct error *err)
{
    int64_t now = clock_monotonic_ms();
    if (is_idle(r))
        r->progress_ms = now;
    if (now - r->progress_ms < r->options->give_up_after_ms)
        return true;
    return error_set(
        err, ERROR_UNAVAILABLE,
        "nothing was acknowledged for %lld s (--give-up-after): %s; run the same command "
        "again to go on",
        (long long)(r->options->give_up_after_ms / 1000),
        r->last_failure[0] != '\0' ? r->last_failure : "no answer");
}

/* Is more to come than what is pending now? Asked before looking for frames, not after. */
static bool is_dump_active(const struct replay *r)
{
    return atomic_load(&r->live->is_dumping) || spool_is_held(r->spool, SPOOL_DUMP);
}

static int poll_ms(const struct replay *r, int64_t throttle_wait_ms)
{
    int64_t now = clock_monotonic_ms();
    int64_t wait = throttle_wait_ms < POLL_MS ? throttle_wait_ms : POLL_MS;
    for (size_t i = 0; i < r->slot_count; i++)
        if (r->slots[i].state == SLOT_WAITING && r->slots[i].due_ms > now &&
            r->slots[i].due_ms - now < wait)
            wait = r->slots[i].due_ms - now;
    return (int)wait;
}

static bool is_of_the_disk(const struct error *err)
{
    return err->kind == ERROR_DISK || err->kind == ERROR_DAMAGED;
}

/* After a stop request or an error: what is in flight may still be answered, and one bad answer doesn't
 * make the others bad. Fails only when nothing can be acknowledged any more. */
static bool drain(struct replay *r, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + STOP_MS;
    while (r->in_flight > 0 && clock_monotonic_ms() < deadline) {
        *err = (struct error){.kind = ERROR_NONE};
        if (!http_poll(r->http, POLL_MS, err) || (!take_answers(r, err) && is_of_the_disk(err)))
            return false;
    }
    *err = (struct error){.kind = ERROR_NONE};
    return acknowledge(r, err);
}

static bool stop_replay(struct replay *r, struct error *err)
{
    return drain(r, err) && error_set(err, ERROR_STOPPED, "asked to stop");
}

/* One round; *IS_DONE: nothing is pending and nothing more will come. */
static bool replay_round(struct replay *r, bool *is_done, struct error *err)
{
    int64_t wait_ms = POLL_MS;
    bool more_may_come = is_dump_active(r);
    if (!guard_ask_if_due(r, err) || !send_requests(r, &wait_ms, err) || !acknowledge(r, err))
        return false;
    atomic_store(&r->live->in_flight, r->in_flight);
    *is_done = is_idle(r) && !more_may_come;
    if (*is_done) {
        struct index_frame frame;
        bool found;
        if (!spool_next_frame(r->spool, FRAMES_PENDING, r->next_frame, &frame, &found, err))
            return false;
        *is_done = !found; // a dead row's frame may have left its slot free
        return true;
    }
    int ms = r->has_more_now ? 0 : poll_ms(r, wait_ms);
    r->has_more_now = false;
    return http_poll(r->http, ms, err) && take_answers(r, err) && check_progress(r, err);
}

static void wake(void *context)
{
    struct replay *r = context;
    http_wakeup(r->http);
}

bool replay_run(struct replay *r, struct spool *s, struct error *err)
{
    struct index_job job;
    bool is_done = false;
    r->spool = s;
    r->next_frame = 0;
    r->progress_ms = clock_monotonic_ms();
    dead_close(r->dead);
    r->dead = NULL;
    if (!spool_get_job(s, &job, err) ||
        !dead_open(&r->dead, spool_directory(s), job.dead_bytes, err))
        return false;
    r->dead_bytes = job.dead_bytes;
    r->dead_count = job.dead;
    r->is_wary = true;
    if ((job.pending > 0 || is_dump_active(r)) && !replay_check_dead(r, err))
        return false;
    if (!guard_begin(r, err))
        return false;
    spool_set_listener(s, wake, r);
    resident_give_back_code(); // libraries are up, and the first requests' buffers not yet
    while (!is_done) {
        if (stop_is_requested())
            return stop_replay(r, err);
        if (!replay_round(r, &is_done, err)) {
            struct error ignored = {.kind = ERROR_NONE};
            if (!is_of_the_disk(err))
                (void)!drain(r, &ignored); // the first error is what counts
            return false;
        }
    }
    return guard_conclude(r, err);
}
