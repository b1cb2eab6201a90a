/* test_join_judge.c: what is said of one id, for all that the query, the dead letters and the index may have. */
#include "joined.h"

/* A record in short: kind letter, then the hash's digit, and perhaps ":routing". R row, C create, U update,
 * D delete, N unfit, L letter, X document of the index. */
static void add(const char *word)
{
    static const char letters[] = "RCUDNLX";
    const char *letter = strchr(letters, word[0]);
    const char *routing = strchr(word, ':');
    ck_assert_ptr_nonnull(letter);
    joined_add((enum join_kind)(letter - letters), "7", routing != NULL ? routing + 1 : NULL,
               (uint64_t)(word[1] - '0'));
}

static const struct {
    const char *records;
    const char *verdicts;
} cases[] = {
    {"R1 X1", ""},
    {"R1 X2", "different 7\n"},
    {"R1", "missing 7\n"},
    {"X1", "extra 7\n"},
    {"X1 X2", "extra 7\nextra 7\n"},
    {"R1:a X1:a", ""},
    {"R1:a X1:b", "different 7\n"},
    {"R1:a X1", "different 7\n"},
    {"R1 X1:a", "different 7\n"},
    {"R1:a X1:b X1:a", "double 7\n"},
    {"R1 X2 X3", "different 7\ndouble 7\n"},
    {"C1 X1", ""},
    {"C1 X2", "different 7\n"},
    {"C1", "missing 7\n"},
    {"U1 X2", ""},
    {"U1 X2:a", ""},
    {"U1", "missing 7\n"},
    {"D0", ""},
    {"D0 X1", "undeleted 7\n"},
    {"D0 X1 X2", "undeleted 7\ndouble 7\n"},
    {"N0", "refused 7\n"},
    {"N0 X1", "refused 7\n"},
    {"N0 L0 X1 X2", "refused 7\n"},
    {"R1 N0 X1 X2", ""},
    {"L0", ""},
    {"L0 X1", "extra 7\n"},
    {"R1 L0", "refused 7\n"},
    {"R1 L0 L0 X2", "refused 7\n"},
    {"R1 L0 X1", ""},
    {"U1 L0", "refused 7\n"},
    {"R1 R2 X1", ""},
    {"R1 R2 X2", ""},
    {"R1 R2 X3", "different 7\n"},
    {"R1 R2", "missing 7\n"},
    {"R1 D0", ""},
    {"R1 D0 X1", ""},
    {"R1 D0 X2", "different 7\n"},
};

START_TEST(an_id_is_judged_by_all_that_there_is_of_it)
{
    char words[64], *rest = words, *word;
    snprintf(words, sizeof words, "%s", cases[_i].records);
    while ((word = strsep(&rest, " ")) != NULL)
        add(word);
    joined_run();
    ck_assert_msg(strcmp(buffer_string(&joined_verdicts), cases[_i].verdicts) == 0, "%s: %s",
                  cases[_i].records, joined_verdicts.data);
}
END_TEST

START_TEST(rows_are_counted_by_their_ids)
{
    const char *const words[] = {"R1", "R2", "U1", "X1"};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        add(words[i]);
    joined_add(JOIN_UPDATE, "8", NULL, 0);
    joined_add(JOIN_DELETE, "9", NULL, 0);
    joined_add(JOIN_UNFIT, "10", NULL, 0);
    joined_run();
    ck_assert_uint_eq(joined_counts.rows, 2);
    ck_assert_uint_eq(joined_counts.partial, 1);
    ck_assert_uint_eq(joined_counts.documents, 1);
}
END_TEST

UNIT_MAIN_WITH("job/join_judge", joined_set_up, joined_tear_down,
               UNIT_EACH(an_id_is_judged_by_all_that_there_is_of_it, cases),
               UNIT_TEST(rows_are_counted_by_their_ids))
