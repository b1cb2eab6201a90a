/* test_lost.c: what the disk has lost is named in words that a user can find it by. */
#include "job/lost.h"

#include "../spool/spooled.h"

static struct error err;
static struct spool *s;

static void tear_down(void)
{
    spool_close(s);
    spooled_tear_down();
}

static const struct {
    struct index_part part;
    const char *words;
} parts[] = {
    {{.number = 1}, "all"},
    {{.range = {.has_from = true,
                .is_from_inclusive = true,
                .from = {"5", 1},
                .has_to = true,
                .to = {"8", 1}}},
     "5 to 8"},
    {{.range = {.has_from = true, .from = {"5", 1}, .has_to = true, .to = {"8", 1}}},
     "after 5 to 8"},
    {{.range = {.has_from = true, .from = {"5", 1}}}, "after 5 on"},
    {{.range = {.has_to = true, .to = {"8", 1}}}, "up to 8"},
    {{.range = {.has_to = true, .is_to_exclusive = true, .to = {"8", 1}}}, "before 8"},
    {{.range = {.has_from = true,
                .from = {"5", 1},
                .has_to = true,
                .is_to_exclusive = true,
                .to = {"8", 1}}},
     "after 5 before 8"},
    {{.has_last = true, .last = {"6", 1}}, "after 6 on"},
    {{.range = {.has_from = true, .from = {"5", 1}, .has_to = true, .to = {"8", 1}},
      .has_last = true,
      .last = {"6", 1}},
     "after 6 to 8"},
};

START_TEST(a_range_is_put_in_words)
{
    struct buffer out;
    buffer_init(&out, 1000);
    lost_put_range(&out, &parts[_i].part);
    unit_assert_slice(buffer_slice(&out), parts[_i].words);
    buffer_free(&out);
}
END_TEST

START_TEST(a_long_key_is_cut)
{
    char key[500];
    struct buffer out;
    memset(key, 'k', sizeof key);
    struct index_part part = {.has_last = true, .last = {key, sizeof key}};
    buffer_init(&out, 1000);
    lost_put_range(&out, &part);
    ck_assert_uint_eq(out.size, strlen("after ") + 60 + strlen("... on"));
    buffer_free(&out);
}
END_TEST

static void lose(uint64_t frames)
{
    s = spooled_new();
    for (uint64_t i = 0; i < 6; i++)
        spooled_append(s, 1 + 4 * i, 4);
    spooled_commit(s);
    for (uint64_t number = 1; number <= frames; number++)
        unit_assert_ok(spool_lose_frame(s, number, "it is torn", &err), err);
    error_set(&err, ERROR_STOPPED, "the dump is not finished");
}

START_TEST(with_nothing_lost_the_error_stays)
{
    lose(0);
    ck_assert(!lost_explain(s, &err));
    ck_assert_int_eq(err.kind, ERROR_STOPPED);
    ck_assert_str_eq(err.message, "the dump is not finished");
}
END_TEST

static const char *const explained[] = {
    "the disk has lost 1 key range (1 to 4), not dumped again yet: the dump is not finished",
    "the disk has lost 2 key ranges (1 to 4, 5 to 8), not dumped again yet: the dump is not "
    "finished",
    "the disk has lost 3 key ranges (1 to 4, 5 to 8, 9 to 12), not dumped again yet: the dump is "
    "not finished",
    "the disk has lost 4 key ranges (1 to 4, 5 to 8, 9 to 12, ...), not dumped again yet: the dump "
    "is not "
    "finished",
};

START_TEST(lost_ranges_are_damage_and_named)
{
    lose((uint64_t)_i + 1);
    ck_assert(!lost_explain(s, &err));
    ck_assert_int_eq(err.kind, ERROR_DAMAGED);
    ck_assert_str_eq(err.message, explained[_i]);
}
END_TEST

START_TEST(ranges_that_were_dumped_again_are_not_lost)
{
    lose(2);
    unit_assert_ok(spooled_dump(s, &spooled_err), spooled_err);
    ck_assert(!lost_explain(s, &err));
    ck_assert_int_eq(err.kind, ERROR_STOPPED);
}
END_TEST

UNIT_MAIN_WITH("job/lost", spooled_set_up, tear_down, UNIT_EACH(a_range_is_put_in_words, parts),
               UNIT_TEST(a_long_key_is_cut), UNIT_TEST(with_nothing_lost_the_error_stays),
               UNIT_EACH(lost_ranges_are_damage_and_named, explained),
               UNIT_TEST(ranges_that_were_dumped_again_are_not_lost))
