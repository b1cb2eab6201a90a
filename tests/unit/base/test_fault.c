/* test_fault.c: a named crash point ends the process by SIGKILL; a release has none. */
#include "base/fault.h"

#include <signal.h>

#include "unit.h"

#ifdef ENABLE_FAULT_POINTS

static void crash_at(const char *point)
{
    ck_assert_int_eq(setenv("BOBBIN_CRASH_AT", point, 1), 0);
}

static void pass_all_points(void)
{
    fault_point("segment-synced");
    fault_point("segment");
    fault_point("segment-synced-late");
    fault_point("index-committed");
}

START_TEST(without_the_variable_every_point_is_passed)
{
    unsetenv("BOBBIN_CRASH_AT");
    pass_all_points();
}
END_TEST

static const char *const others[] = {"",
                                     "seg",
                                     "other",
                                     "segment-",
                                     "segment-synced:0",
                                     "segment-synced:",
                                     "segment-synced:x",
                                     "segment-synced:2",
                                     "index-committed:-1",
                                     "segment synced",
                                     ":1"};

START_TEST(points_that_are_not_named_or_not_yet_counted_are_passed)
{
    crash_at(others[_i]);
    pass_all_points();
}
END_TEST

static const char *const names[] = {"segment-synced", "segment", "segment-synced-late",
                                    "index-committed", "index-committed:1"};

START_TEST(the_named_point_is_the_end)
{
    crash_at(names[_i]);
    pass_all_points();
}
END_TEST

static void pass_twice(void)
{
    crash_at("segment-synced:3");
    pass_all_points();
    pass_all_points();
}

START_TEST(twice_is_not_the_third_time)
{
    pass_twice();
}
END_TEST

START_TEST(the_third_time_is_the_end)
{
    pass_twice();
    fault_point("segment-synced");
}
END_TEST

UNIT_MAIN("base/fault", UNIT_TEST(without_the_variable_every_point_is_passed),
          UNIT_EACH(points_that_are_not_named_or_not_yet_counted_are_passed, others),
          UNIT_SIGNAL(the_named_point_is_the_end, SIGKILL, COUNT_OF(names)),
          UNIT_OWN_PROCESS(twice_is_not_the_third_time, 1),
          UNIT_SIGNAL(the_third_time_is_the_end, SIGKILL, 1))

#else

START_TEST(a_release_has_no_crash_points)
{
    ck_assert_int_eq(setenv("BOBBIN_CRASH_AT", "segment-synced", 1), 0);
    fault_point("segment-synced");
    unsetenv("BOBBIN_CRASH_AT");
}
END_TEST

UNIT_MAIN("base/fault", UNIT_TEST(a_release_has_no_crash_points))

#endif
