/* test_timestamp.c: PostgreSQL's ISO timestamps become ISO 8601; all else is refused. */
#include "encode/timestamp.h"

#include "unit.h"

static const struct {
    const char *text;
    bool has_zone;
    const char *json;
} cases[] = {
    {"2026-01-02 03:04:05", false, "\"2026-01-02T03:04:05\""},
    {"2026-01-02 03:04:05.678", false, "\"2026-01-02T03:04:05.678\""},
    {"2026-01-02 03:04:05.1", false, "\"2026-01-02T03:04:05.1\""},
    {"1969-12-31 23:59:59.999999", false, "\"1969-12-31T23:59:59.999999\""},
    {"2026-01-02 03:04:05+00", true, "\"2026-01-02T03:04:05+00:00\""},
    {"2026-01-02 03:04:05.678901+00", true, "\"2026-01-02T03:04:05.678901+00:00\""},
    {"2026-01-02 03:04:05+05:30", true, "\"2026-01-02T03:04:05+05:30\""},
    {"2026-01-02 03:04:05-08", true, "\"2026-01-02T03:04:05-08:00\""},
    {"2026-01-02 03:04:05.5-03:30", true, "\"2026-01-02T03:04:05.5-03:30\""},
    {"1890-01-01 00:00:00+00:19:32", true, "\"1890-01-01T00:00:00+00:19:32\""},
    // before the year 1 AD
    {"0044-03-15 00:00:00+00 BC", true, "\"-0043-03-15T00:00:00+00:00\""},
    {"0044-03-15 12:30:00 BC", false, "\"-0043-03-15T12:30:00\""},
    {"0001-12-31 00:00:00 BC", false, "\"0000-12-31T00:00:00\""},
    {"0002-01-01 00:00:00 BC", false, "\"-0001-01-01T00:00:00\""},
    {"4714-11-24 00:00:00+00 BC", true, "\"-4713-11-24T00:00:00+00:00\""},
    // years of five and six digits
    {"0001-01-01 00:00:00", false, "\"0001-01-01T00:00:00\""},
    {"9999-12-31 23:59:59", false, "\"9999-12-31T23:59:59\""},
    {"10000-01-01 00:00:00", false, "\"+10000-01-01T00:00:00\""},
    {"99999-01-01 00:00:00", false, "\"+99999-01-01T00:00:00\""},
    {"294276-12-31 23:59:59.999999+00", true, "\"+294276-12-31T23:59:59.999999+00:00\""},
};

START_TEST(a_timestamp_becomes_iso_8601)
{
    struct buffer out;
    buffer_init(&out, 200);
    buffer_append_string(&out, "before");
    ck_assert(timestamp_append(&out, slice_of(cases[_i].text), cases[_i].has_zone));
    ck_assert_str_eq(buffer_string(&out) + 6, cases[_i].json);
    buffer_free(&out);
}
END_TEST

/* Cut at any place it is no timestamp any more, or (without its last digits) a shorter one. */
START_TEST(a_timestamp_that_is_cut_is_refused_or_is_a_shorter_one)
{
    struct slice whole = slice_of(cases[_i].text);
    struct buffer out;
    buffer_init(&out, 200);
    for (size_t size = 0; size < whole.size; size++) {
        buffer_clear(&out);
        bool is_good = timestamp_append(&out, (struct slice){whole.data, size}, cases[_i].has_zone);
        ck_assert(is_good || out.size == 0);
        ck_assert(!is_good || size >= sizeof "2026-01-02 03:04:05" - 1);
    }
    buffer_free(&out);
}
END_TEST

static const struct {
    const char *text;
    bool has_zone;
} refused[] = {
    {"", false},
    {"infinity", false}, // value.h has the word for it
    {"-infinity", true},
    {" BC", false},
    {"2026-01-02 03:04:05+00", false},
    {"2026-01-02 03:04:05", true},
    {"2026-01-02T03:04:05", false},
    {"2026-01-02", false},
    {"03:04:05", false},
    {"226-01-02 03:04:05", false},
    {"2026-1-02 03:04:05", false},
    {"2026-01-02 03:04:05.", false},
    {"2026-01-02 03:04:05.x", false},
    {"2026-01-02 03:04:05.5x", false},
    {"2026-01-02 03:04:05+0", true},
    {"2026-01-02 03:04:05+00:", true},
    {"2026-01-02 03:04:05+00:00:00:00", true},
    {"2026-01-02 03:04:05 UTC", true},
    {"-2026-01-02 03:04:05", false},
    {"1234567-01-02 03:04:05", false},
    {"99999999999999999999-01-02 03:04:05", false},
    {"Fri Jan 02 03:04:05 2026", false}, // DateStyle Postgres
    {"01/02/2026 03:04:05 UTC", true},   // DateStyle SQL
    {"2026-01-02 03:04:05 AD", false},
    {"2026-01-02 03:04:05BC", false},
    {"2026-01-02 03:04:05\"", false},
};

START_TEST(what_is_no_timestamp_is_refused)
{
    struct buffer out;
    buffer_init(&out, 200);
    buffer_append_string(&out, "before");
    ck_assert(!timestamp_append(&out, slice_of(refused[_i].text), refused[_i].has_zone));
    unit_assert_slice(buffer_slice(&out), "before");
    buffer_free(&out);
}
END_TEST

static const struct {
    const char *text;
    const char *json; // NULL: refused
} dates[] = {
    {"2026-01-02", "\"2026-01-02\""},
    {"0044-03-15 BC", "\"-0043-03-15\""},
    {"0001-12-31 BC", "\"0000-12-31\""},
    {"4714-11-24 BC", "\"-4713-11-24\""},
    {"10000-01-01", "\"+10000-01-01\""},
    {"294276-12-31", "\"+294276-12-31\""},
    {"", NULL},
    {"infinity", NULL}, // value.h has the word for it
    {"2026-01-02 03:04:05", NULL},
    {"2026-1-02", NULL},
    {"2026-01-0", NULL},
    {"01/02/2026", NULL},
    {"2026-01-02 AD", NULL},
    {"2026-01-02\"", NULL},
};

START_TEST(a_date_becomes_iso_8601_or_is_refused)
{
    struct buffer out;
    buffer_init(&out, 200);
    buffer_append_string(&out, "before");
    ck_assert(timestamp_append_date(&out, slice_of(dates[_i].text)) == (dates[_i].json != NULL));
    ck_assert_str_eq(buffer_string(&out) + 6, dates[_i].json ? dates[_i].json : "");
    buffer_free(&out);
}
END_TEST

START_TEST(a_full_buffer_fails)
{
    struct buffer out;
    buffer_init(&out, 10);
    ck_assert(timestamp_append(&out, slice_of("2026-01-02 03:04:05"), false));
    ck_assert(out.has_failed);
    buffer_clear(&out);
    ck_assert(timestamp_append_date(&out, slice_of("2026-01-02")));
    ck_assert(out.has_failed);
    buffer_free(&out);
}
END_TEST

UNIT_MAIN("encode/timestamp", UNIT_EACH(a_timestamp_becomes_iso_8601, cases),
          UNIT_EACH(a_timestamp_that_is_cut_is_refused_or_is_a_shorter_one, cases),
          UNIT_EACH(what_is_no_timestamp_is_refused, refused),
          UNIT_EACH(a_date_becomes_iso_8601_or_is_refused, dates), UNIT_TEST(a_full_buffer_fails))
