/* test_terms.c: a list of terms is read from a file or a URL, and becomes clauses. */
#include "index/terms.h"

#include "stepped.h"

static char *directory;
static char path[4096];
static json_t *terms;

static void set_up(void)
{
    stepped_set_up();
    directory = unit_make_directory();
    snprintf(path, sizeof path, "%s/terms.txt", directory);
    terms = NULL;
}

static void tear_down(void)
{
    json_decref(terms);
    unit_remove_directory(directory);
}

static void put_terms(const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void assert_terms(const char *expected)
{
    char *text = json_dumps(terms, JSON_COMPACT);
    ck_assert_str_eq(text, expected);
    free(text);
}

static const struct {
    const char *text, *terms;
} lists[] = {
    {"one\ntwo\n", "[\"one\",\"two\"]"},
    {"\xEF\xBB\xBFone\r\n\r\n  two words \t\r\n", "[\"one\",\"two words\"]"},
    {"last", "[\"last\"]"},
    {"\n\n\xC3\xA9t\xC3\xA9\n", "[\"\xC3\xA9t\xC3\xA9\"]"},
};

START_TEST(each_line_is_a_term)
{
    put_terms(lists[_i].text);
    unit_assert_ok(terms_read(path, &job, &terms, &err), err);
    assert_terms(lists[_i].terms);
}
END_TEST

static const struct {
    const char *text; // NULL: no file
    const char *words;
} wrong[] = {
    {NULL, "terms.txt"},
    {"", "it holds no term"},
    {" \n\n", "it holds no term"},
    {"one\nt\xE9\n", "line 2 is not valid UTF-8"},
};

START_TEST(what_is_no_list_is_refused)
{
    if (wrong[_i].text != NULL)
        put_terms(wrong[_i].text);
    unit_assert_error(terms_read(path, &job, &terms, &err), err, ERROR_CONFIG, wrong[_i].words);
    ck_assert_ptr_nonnull(strstr(err.message, "--terms: "));
    ck_assert_ptr_null(terms);
}
END_TEST

START_TEST(a_url_is_fetched_without_the_clusters_credentials)
{
    const struct canned_answer answers[] = {OK("one\ntwo\n")};
    job.user = "me";
    job.password = "hunter2";
    BEGIN(answers);
    unit_assert_ok(terms_read(canned_url(&server, "http://", "/list.txt"), &job, &terms, &err),
                   err);
    assert_terms("[\"one\",\"two\"]");
    stepped_assert_asked(0, "GET /list.txt HTTP", NULL);
    ck_assert(!canned_was_asked(&server, 0, "Authorization"));
    stepped_end();
}
END_TEST

static const struct {
    int status;
    enum error_kind kind;
    const char *words;
} answers_of_urls[] = {
    {404, ERROR_CONFIG, "--terms: the server answered 404"},
    {503, ERROR_UNAVAILABLE, "answered 503"},
    {429, ERROR_UNAVAILABLE, "answered 429"},
    {0, ERROR_UNAVAILABLE, "no answer from"},
};

START_TEST(a_url_that_gives_no_list_is_an_error)
{
    const struct canned_answer answers[] = {{.status = answers_of_urls[_i].status}};
    BEGIN(answers);
    unit_assert_error(terms_read(canned_url(&server, "http://", "/"), &job, &terms, &err), err,
                      answers_of_urls[_i].kind, answers_of_urls[_i].words);
    stepped_end();
}
END_TEST

START_TEST(clauses_are_of_one_field_and_not_too_many_terms)
{
    static const char *const fields[] = {"title.raw", "tags.name.raw", NULL};
    put_terms("a\nb\nc\n");
    unit_assert_ok(terms_read(path, &job, &terms, &err), err);
    json_t *clauses = terms_clauses(terms, fields, 2);
    char *text = json_dumps(clauses, JSON_COMPACT);
    ck_assert_str_eq(
        text, "[{\"terms\":{\"title.raw\":[\"a\",\"b\"]}},{\"terms\":{\"title.raw\":[\"c\"]}},"
              "{\"terms\":{\"tags.name.raw\":[\"a\",\"b\"]}},"
              "{\"terms\":{\"tags.name.raw\":[\"c\"]}}]");
    free(text);
    json_decref(clauses);
}
END_TEST

START_TEST(terms_that_are_no_single_words_are_counted)
{
    put_terms("word\ntwo words\nCapital\n\xC3\xA9t\xC3\xA9\n");
    unit_assert_ok(terms_read(path, &job, &terms, &err), err);
    ck_assert_uint_eq(terms_count_odd(terms), 2);
}
END_TEST

UNIT_MAIN_WITH("index/terms", set_up, tear_down, UNIT_EACH(each_line_is_a_term, lists),
               UNIT_EACH(what_is_no_list_is_refused, wrong),
               UNIT_TEST(a_url_is_fetched_without_the_clusters_credentials),
               UNIT_EACH(a_url_that_gives_no_list_is_an_error, answers_of_urls),
               UNIT_TEST(clauses_are_of_one_field_and_not_too_many_terms),
               UNIT_TEST(terms_that_are_no_single_words_are_counted))
