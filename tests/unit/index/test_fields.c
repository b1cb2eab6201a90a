/* test_fields.c: fields that are missing or can't be searched are refused; odd terms are warned of. */
#include "index/fields.h"

#include "../cli/captured.h"
#include "stepped.h"

#define CAPS                                                                                       \
    OK("{\"fields\":{\"title.raw\":{\"text\":{\"searchable\":true}},"                              \
       "\"provider\":{\"keyword\":{\"searchable\":true}},\"url\":{\"keyword\":{\"searchable\":"    \
       "false}}}}")

static const struct {
    const char *fields[3];
    size_t odd;
    const char *words; // of the error; NULL: they are good
    const char *warning;
} cases[] = {
    {{"title.raw", "provider"}, 0, NULL, ""},
    {{"provider"}, 2, NULL, ""},
    {{"title.raw"}, 2, NULL, "--fields title.raw: of its type, text"},
    {{"provider", "titel"}, 0, "--fields titel: the index has no such field", ""},
    {{"url"}, 0, "--fields url: the field can't be searched", ""},
};

START_TEST(fields_are_there_and_can_be_searched)
{
    const struct canned_answer answers[] = {CAPS};
    BEGIN(answers);
    captured_begin();
    bool ok = fields_check(&steps.hosts, "images", cases[_i].fields, cases[_i].odd, &err);
    captured_end();
    if (cases[_i].words == NULL)
        unit_assert_ok(ok, err);
    else
        unit_assert_error(ok, err, ERROR_CONFIG, cases[_i].words);
    captured_assert_told(cases[_i].warning);
    ck_assert_int_eq(captured_err[0] != '\0', cases[_i].warning[0] != '\0');
    if (_i == 0)
        stepped_assert_asked(0, "GET /images/_field_caps?fields=title.raw%2Cprovider HTTP", NULL);
    stepped_end();
}
END_TEST

UNIT_MAIN_WITH("index/fields", stepped_set_up, NULL,
               UNIT_EACH(fields_are_there_and_can_be_searched, cases))
