/* test_scan.c: the two ways to scan (encode/scan.h) and the obvious one find the same. */
#include "encode/scan.h"

#include "unit.h"

enum { TEXT_MAX = 80 }; // past several blocks of either way, with every length of tail

typedef size_t scan_function(char *out, const char *in, size_t size, bool stops_at_quote,
                             bool *has_high);

static const struct {
    const char *name;
    scan_function *scan;
} ways[] = {
    {"bytes", scan_copy_bytes},
    {"words", scan_copy_words},
#ifdef __SSE2__
    {"blocks", scan_copy_blocks},
#endif
    {"the chosen one", scan_copy},
};

/* Scan the first SIZE bytes of IN, from memory that ends with them so that a sanitizer sees each
 * byte read too far. */
static size_t scan(scan_function *way, const char *in, size_t size, bool stops_at_quote,
                   bool *has_high)
{
    char *exact = malloc(size + 1);
    char *out = malloc(size + 1);
    ck_assert(exact != NULL && out != NULL);
    memcpy(exact + 1, in, size); // at an odd address
    *has_high = false;
    size_t run = way(out + 1, exact + 1, size, stops_at_quote, has_high);
    ck_assert_uint_le(run, size);
    ck_assert_mem_eq(out + 1, in, run);
    free(exact);
    free(out);
    return run;
}

START_TEST(a_run_ends_at_the_first_special_byte_wherever_it_is)
{
    static const char specials[] = {0, 1, '\t', 0x1f, '"', '\\'};
    char text[TEXT_MAX];
    bool has_high;
    for (size_t size = 0; size <= TEXT_MAX; size++)
        for (size_t at = 0; at < size; at++)
            for (size_t i = 0; i < sizeof specials; i++) {
                memset(text, 'a', sizeof text);
                text[at] = specials[i];
                text[size - 1] = specials[i]; // the first counts
                ck_assert_uint_eq(scan(ways[_i].scan, text, size, true, &has_high), at);
                ck_assert(!has_high);
            }
}
END_TEST

START_TEST(every_other_byte_is_copied)
{
    for (unsigned byte = 0; byte < 256; byte++)
        for (size_t size = 1; size <= 40; size++) {
            char text[40];
            bool has_high;
            bool is_special = byte < 0x20 || byte == '\\';
            memset(text, (int)byte, sizeof text);
            size_t run = scan(ways[_i].scan, text, size, false, &has_high);
            ck_assert_uint_eq(run, is_special ? 0 : size);
            ck_assert_int_eq(has_high, byte >= 0x80);
            is_special = is_special || byte == '"';
            run = scan(ways[_i].scan, text, size, true, &has_high);
            ck_assert_uint_eq(run, is_special ? 0 : size);
        }
}
END_TEST

START_TEST(one_high_byte_anywhere_is_noticed)
{
    char text[TEXT_MAX];
    for (size_t size = 1; size <= TEXT_MAX; size++)
        for (size_t at = 0; at < size; at++) {
            bool has_high;
            memset(text, 'a', sizeof text);
            text[at] = (char)0x80;
            ck_assert_uint_eq(scan(ways[_i].scan, text, size, true, &has_high), size);
            ck_assert(has_high);
        }
}
END_TEST

static size_t random_text(char text[TEXT_MAX], uint64_t *random)
{
    size_t size = unit_random(random) % (TEXT_MAX + 1);
    for (size_t i = 0; i < size; i++) {
        uint64_t r = unit_random(random);
        text[i] = r % 32 == 0 ? (char)(r >> 8) : (char)(0x20 + (r >> 8) % 0x60);
    }
    return size;
}

START_TEST(all_ways_agree_on_random_bytes)
{
    uint64_t random = 88172645463325252u;
    for (int round = 0; round < 5000; round++) {
        char text[TEXT_MAX];
        size_t size = random_text(text, &random);
        bool stops_at_quote = round % 2 == 0;
        bool has_high;
        size_t expected = scan(scan_copy_bytes, text, size, stops_at_quote, &has_high);
        for (size_t i = 0; i < COUNT_OF(ways); i++) {
            bool also_high;
            size_t run = scan(ways[i].scan, text, size, stops_at_quote, &also_high);
            ck_assert_msg(run == expected, "%s: %zu, not %zu", ways[i].name, run, expected);
            ck_assert(also_high || !has_high);
        }
    }
}
END_TEST

UNIT_MAIN("encode/scan", UNIT_EACH(a_run_ends_at_the_first_special_byte_wherever_it_is, ways),
          UNIT_EACH(every_other_byte_is_copied, ways),
          UNIT_EACH(one_high_byte_anywhere_is_noticed, ways),
          UNIT_TEST(all_ways_agree_on_random_bytes))
