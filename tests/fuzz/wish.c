/* wish.c: fuzzes the body of POST /task: what passes is names and numbers only, as a child's command line needs
 * them, and is the same after a task's record was written and read; what doesn't pass is explained. */
#include "fuzz.h"
#include "serve/task.h"

static void require_clean(const struct wish *wish)
{
    fuzz_require(wish->model[0] != '\0' && strpbrk(wish->model, "/.\\\"' \n") == NULL);
    fuzz_require(wish->table[0] != '\0' && strpbrk(wish->table, "/.\\\"' \n;") == NULL);
    fuzz_require(wish->index[0] != '\0' && wish->index[0] != '-' &&
                 strpbrk(wish->index, "/\\\"\n ") == NULL);
    fuzz_require(wish->start_id <= wish->end_id);
}

static void require_kept(const struct wish *wish)
{
    struct task task, back;
    struct buffer record;
    struct error err = {.kind = ERROR_NONE};
    buffer_init(&record, TASK_RECORD_MAX_BYTES);
    fuzz_require(task_begin(&task, wish, 1, &err) && task_put_record(&task, &record, &err));
    fuzz_require(task_read_record(&back, buffer_slice(&record), &err));
    fuzz_require(memcmp(&back.wish.start_id, &wish->start_id, sizeof wish->start_id) == 0 &&
                 back.wish.end_id == wish->end_id && strcmp(back.wish.model, wish->model) == 0 &&
                 strcmp(back.wish.table, wish->table) == 0 &&
                 strcmp(back.wish.index, wish->index) == 0);
    buffer_free(&record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {NULL, "application/json",
                                        "application/x-www-form-urlencoded"};
    struct slice input = fuzz_slice(data, size);
    const char *type = types[fuzz_take_byte(&input) % COUNT_OF(types)];
    struct wish wish;
    struct error err = {.kind = ERROR_NONE};
    if (wish_read(&wish, type, input, &err)) {
        require_clean(&wish);
        require_kept(&wish);
    } else {
        fuzz_require(err.kind == ERROR_USAGE && err.message[0] != '\0');
    }
    return 0;
}
