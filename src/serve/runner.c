/* runner.c: see runner.h. */
#include "serve/runner.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/log.h"
#include "base/process.h"
#include "spool/spool.h"

enum { WORDS_MAX = 16 };

struct runner {
    struct process *process;
    char complaint[ERROR_MESSAGE_BYTES]; // its last warning or error; "" none
};

/* --- its command line --- */

struct words {
    char *items[WORDS_MAX + 1]; // NULL behind the last
    size_t count;
    bool has_failed;
};

static void add_word(struct words *words, const char *format, ...) PRINTF_LIKE(2, 3);
static void add_word(struct words *words, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *word = NULL;
    if (words->count == WORDS_MAX || vasprintf(&word, format, args) < 0)
        words->has_failed = true;
    else
        words->items[words->count++] = word;
    va_end(args);
}

static void free_words(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->items[i]);
}

static void put_command(struct words *words, const struct task *t, const char *config,
                        const char *spool)
{
    *words = (struct words){.count = 0};
    add_word(words, "bobbin");
    add_word(words, "run");
    add_word(words, "--config=%s", config);
    add_word(words, "--table=\"%s\"", t->wish.table);
    add_word(words, "--index=%s", t->wish.index);
    add_word(words, "--from=%" PRId64, t->wish.start_id);
    add_word(words, "--to=%" PRId64, t->wish.end_id);
    add_word(words, "--spool=%s", spool);
    add_word(words, "--count");
    add_word(words, "--quiet");
    add_word(words, "--log-format=json");
}

bool runner_start(struct runner **out, const struct task *t, const char *config, const char *spool,
                  struct error *err)
{
    struct words words;
    struct runner *c = calloc(1, sizeof *c);
    if (c == NULL)
        return error_set_memory(err);
    put_command(&words, t, config, spool);
    bool ok = words.has_failed ? error_set_memory(err)
                               : process_start(&c->process, PROCESS_SELF, words.items, err);
    free_words(&words);
    if (!ok)
        free(c);
    else
        *out = c;
    return ok;
}

void runner_free(struct runner *c)
{
    if (c == NULL)
        return;
    process_free(c->process);
    free(c);
}

/* --- what it says --- */

int runner_fd(const struct runner *c)
{
    return process_fd(c->process);
}

static void hear(struct runner *c, const struct task *t, struct slice line)
{
    json_t *json = json_loadb(line.data, line.size, 0, NULL);
    const char *message = json_string_value(json_object_get(json, "message"));
    const char *level = json_string_value(json_object_get(json, "level"));
    bool is_error = level == NULL || strcmp(level, "error") == 0;
    if (message != NULL)
        snprintf(c->complaint, sizeof c->complaint, "%s", message);
    else // no line of our log: a crash says such things
        snprintf(c->complaint, sizeof c->complaint, "%.*s", (int)line.size, line.data);
    log_message(is_error ? LOG_ERROR : LOG_WARNING, "task %s: %s", t->id, c->complaint);
    json_decref(json);
}

void runner_listen(struct runner *c, const struct task *t)
{
    struct slice line;
    while (process_read_line(c->process, &line))
        if (line.size > 0)
            hear(c, t, line);
}

bool runner_has_ended(struct runner *c, int *status)
{
    return process_has_ended(c->process, status);
}

void runner_stop(struct runner *c)
{
    process_signal(c->process, SIGTERM);
}

void runner_explain(const struct runner *c, int status, char out[TASK_ERROR_BYTES])
{
    const char *words = c->complaint[0] != '\0' ? c->complaint : "bobbin run failed without a word";
    if (status > PROCESS_BY_SIGNAL)
        snprintf(out, TASK_ERROR_BYTES, "%s (killed by signal %d)", words,
                 status - PROCESS_BY_SIGNAL);
    else
        snprintf(out, TASK_ERROR_BYTES, "%s (exit status %d)", words, status);
}

bool runner_can_go_on(int status)
{
    return status == error_exit_status(ERROR_STOPPED) || status > PROCESS_BY_SIGNAL;
}

/* --- how far it is --- */

void runner_count(const char *spool, struct task_counts *out)
{
    struct spool_options options = {.path = spool, .roles = SPOOL_READER};
    struct spool *s = NULL;
    struct index_job job;
    struct error ignored = {.kind = ERROR_NONE}; // it is being made, or damaged: the child says so
    if (spool_open(&s, &options, NULL, &ignored) && !spool_is_new(s) &&
        spool_get_job(s, &job, &ignored))
        *out = (struct task_counts){.total = job.estimated_rows,
                                    .read = job.rows,
                                    .acknowledged = job.acknowledged,
                                    .dead = job.dead,
                                    .retries = job.retries};
    spool_close(s);
}
