/* test_gaps.c: what frames leave out of a range is told, and of what they hold nothing. */
#include "spool/gaps.h"

#include "unit.h"

static struct error err;
static struct buffer told;

static void set_up(void)
{
    buffer_init(&told, 1 << 16);
}

static void tear_down(void)
{
    buffer_free(&told);
}

static bool tell(void *context, const struct key_range *gap, struct error *e)
{
    (void)e;
    if (gap->has_from)
        buffer_append_format(context, "%s%.*s", gap->is_from_inclusive ? "[" : "(",
                             (int)gap->from.size, gap->from.data);
    buffer_append_string(context, "..");
    if (gap->has_to)
        buffer_append_format(context, "%.*s%s", (int)gap->to.size, gap->to.data,
                             gap->is_to_exclusive ? ")" : "]");
    buffer_append_byte(context, ' ');
    return true;
}

static const struct key_range everything = {.has_from = false};
static const struct key_range bounded = {
    .has_from = true, .is_from_inclusive = true, .from = {"a", 1}, .has_to = true, .to = {"z", 1}};

/* Frames as "number:part:first-last", in the order of numbers. */
static const struct {
    const struct key_range *range;
    const char *frames;
    const char *gaps;
} cases[] = {
    {&everything, "", ".. "},
    {&bounded, "", "[a..z] "},
    {&bounded, "1:0:c-d", "[a..c) (d..z] "},
    {&everything, "1:0:c-d 2:0:e-f 3:0:g-h", "..c) (h.. "},
    // one is missing, at the beginning and within
    {&everything, "2:0:e-f 3:0:g-h", "..e) (h.. "},
    {&everything, "1:0:c-d 3:0:g-h", "(d..g) ..c) (h.. "},
    // parts that were dumped side by side
    {&everything, "1:0:a-b 2:1:k-l 3:0:c-d 4:1:m-n", "..a) (d..k) (n.. "},
    {&everything, "1:0:a-b 3:0:c-d 4:1:m-n", "(b..c) ..a) (d..m) (n.. "},
    {&everything, "1:0:a-b 2:1:k-l 4:1:m-n 5:0:e-f", "(l..m) (b..e) ..a) (f..k) (n.. "},
    // a part of which nothing is there
    {&everything, "1:0:a-b 2:3:k-l", "..a) (b..k) (l.. "},
    // what was dumped again, or is of no part, fills no gap, and makes none
    {&everything, "1:0:a-b 3:0:e-f 4:65536:c-d", "(b..e) ..a) (f.. "},
    {&everything, "1:0:a-b 2:4294967295:x-x 3:0:c-d", "..a) (d.. "},
    {&everything, "7:65540:c-d", ".. "},
};

static struct slice key_at(const char **at)
{
    struct slice key = {*at, strcspn(*at, "- ")};
    *at += key.size;
    return key;
}

static void add_frames(struct gaps *g, const char *at)
{
    while (*at != '\0') {
        char *end;
        struct index_frame frame = {.number = strtoull(at, &end, 10)};
        frame.part = (uint32_t)strtoul(end + 1, &end, 10);
        at = end + 1;
        frame.first_key = key_at(&at);
        at++;
        frame.last_key = key_at(&at);
        at += strspn(at, " ");
        unit_assert_ok(gaps_add_frame(g, &frame, &err), err);
    }
}

START_TEST(what_the_frames_leave_out_is_told)
{
    struct gaps *g;
    unit_assert_ok(gaps_new(&g, cases[_i].range, tell, &told, &err), err);
    add_frames(g, cases[_i].frames);
    unit_assert_ok(gaps_finish(g, &err), err);
    gaps_free(g);
    ck_assert_str_eq(buffer_string(&told), cases[_i].gaps);
}
END_TEST

static bool refuse(void *context, const struct key_range *gap, struct error *e)
{
    (void)context;
    (void)gap;
    return error_set(e, ERROR_DISK, "no room");
}

START_TEST(a_gap_that_cannot_be_taken_is_an_error)
{
    struct gaps *g;
    struct index_frame frame = {.number = 1, .first_key = {"a", 1}, .last_key = {"b", 1}};
    unit_assert_ok(gaps_new(&g, &everything, refuse, NULL, &err), err);
    unit_assert_ok(gaps_add_frame(g, &frame, &err), err);
    frame.number = 3;
    unit_assert_error(gaps_add_frame(g, &frame, &err), err, ERROR_DISK, "no room");
    unit_assert_error(gaps_finish(g, &err), err, ERROR_DISK, "no room");
    gaps_free(g);
    gaps_free(NULL);
}
END_TEST

UNIT_MAIN_WITH("spool/gaps", set_up, tear_down, UNIT_EACH(what_the_frames_leave_out_is_told, cases),
               UNIT_TEST(a_gap_that_cannot_be_taken_is_an_error))
