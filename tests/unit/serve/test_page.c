/* test_page.c: the page shows each task, and nothing that a task holds can become markup. */
#include "serve/page.h"

#include "unit.h"

static struct buffer out;

static void set_up(void)
{
    buffer_init(&out, 1 << 20);
}

static void tear_down(void)
{
    buffer_free(&out);
}

static const struct task running = {.id = "0123456789abcdef0123456789abcdef",
                                    .wish = {"image", "temp_import_image", "image-1", 1, 1000},
                                    .started_ms = 1767323045678,
                                    .counts = {.total = 200, .acknowledged = 50, .dead = 3},
                                    .is_running = true};

static void put(const struct task *t)
{
    page_put(&out, t, 1);
}

static void assert_shows(const char *text)
{
    ck_assert_msg(strstr(buffer_string(&out), text) != NULL, "no \"%s\" in:\n%s", text,
                  buffer_string(&out));
}

START_TEST(a_task_has_a_bar_and_its_numbers)
{
    put(&running);
    assert_shows("<h1>bobbin: 1 active of 1 tasks</h1>");
    assert_shows("<progress max=\"100\" value=\"25.00\">25.00 %</progress>");
    assert_shows("running, 25.00 %: 50 documents of 200 rows, 3 refused");
    assert_shows("<strong>image-1</strong> from temp_import_image (image), ids 1 to 1000");
    assert_shows("2026-01-02 03:04:05 UTC");
    assert_shows("<meta http-equiv=\"refresh\"");
    assert_shows("<meta name=\"viewport\" content=\"width=device-width");
}
END_TEST

static const struct {
    enum task_state state;
    bool is_running, wants_stop;
    const char *word;
} words[] = {
    {TASK_ACTIVE, false, false, "<p class=\"numbers\">waiting"},
    {TASK_ACTIVE, true, false, "<p class=\"numbers\">running"},
    {TASK_ACTIVE, true, true, "<p class=\"numbers\">stopping"},
    {TASK_DONE, false, true, "<p class=\"numbers\">done, 100.00 %"},
    {TASK_FAILED, false, false, "<li class=\"failed\""},
    {TASK_STOPPED, false, false, "<li class=\"stopped\""},
};

START_TEST(its_state_is_a_word)
{
    struct task t = running;
    t.state = words[_i].state;
    t.is_running = words[_i].is_running;
    t.wants_stop = words[_i].wants_stop;
    put(&t);
    assert_shows(words[_i].word);
}
END_TEST

START_TEST(an_end_has_a_time_and_an_error_its_words)
{
    struct task t = running;
    t.state = TASK_FAILED;
    t.finished_ms = t.started_ms + 1000;
    snprintf(t.error, sizeof t.error, "it broke");
    put(&t);
    assert_shows("03:04:05 UTC to 2026-01-02 03:04:06 UTC");
    assert_shows("<p class=\"error\">it broke</p>");
}
END_TEST

START_TEST(markup_is_escaped_wherever_it_comes_from)
{
    static const char evil[] = "<script>&\"'</script>";
    struct task t = running;
    snprintf(t.error, sizeof t.error, "%s", evil);
    snprintf(t.wish.index, sizeof t.wish.index, "%s", evil);
    snprintf(t.wish.table, sizeof t.wish.table, "%s", evil);
    snprintf(t.wish.model, sizeof t.wish.model, "%s", evil);
    put(&t);
    ck_assert_ptr_null(strstr(buffer_string(&out), "<script"));
    assert_shows("&lt;script&gt;&amp;&quot;&#39;&lt;/script&gt;");
}
END_TEST

START_TEST(nothing_comes_from_elsewhere)
{
    put(&running);
    ck_assert_ptr_null(strstr(buffer_string(&out), "://"));
    ck_assert_ptr_null(strstr(buffer_string(&out), "src="));
}
END_TEST

START_TEST(without_tasks_it_says_so)
{
    page_put(&out, NULL, 0);
    assert_shows("0 active of 0 tasks");
}
END_TEST

UNIT_MAIN_WITH("serve/page", set_up, tear_down, UNIT_TEST(a_task_has_a_bar_and_its_numbers),
               UNIT_EACH(its_state_is_a_word, words),
               UNIT_TEST(an_end_has_a_time_and_an_error_its_words),
               UNIT_TEST(markup_is_escaped_wherever_it_comes_from),
               UNIT_TEST(nothing_comes_from_elsewhere), UNIT_TEST(without_tasks_it_says_so))
