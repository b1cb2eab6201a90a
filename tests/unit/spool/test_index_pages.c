/* test_index_pages.c: whatever LMDB writes is sound; what it did not write is named, and no byte of it
 * leads the check astray. */
#include "spool/index_pages.h"

#include "paged.h"

static void clean_up(void)
{
    buffer_free(&paged);
    tear_down();
}

static void assert_sound(void)
{
    paged_load();
    ck_assert_msg(paged_check() == PAGES_SOUND, "page %llu: %s",
                  (unsigned long long)paged_finding.page, paged_finding.why);
}

START_TEST(a_new_index_is_sound)
{
    assert_sound();
    put_job();
    assert_sound();
}
END_TEST

/* Some commits of frames that come, move and go, of parts that grow and shrink. */
static void do_anything(uint64_t *random)
{
    struct index_txn *txn = begin(true);
    uint64_t steps = unit_random(random) % 200;
    for (uint64_t i = 0; i < steps; i++) {
        uint64_t number = unit_random(random) % 3000;
        uint64_t what = unit_random(random) % 8;
        if (what < 4)
            paged_put_frame(txn, number);
        else if (what < 6)
            unit_assert_ok(index_delete_frame(txn, FRAMES_PENDING, number, &err), err);
        else if (what == 6)
            paged_put_part(txn, (uint32_t)number % 100, unit_random(random) % 20000);
        else
            paged_put_part(txn, (uint32_t)number % 100, unit_random(random) % 100);
    }
    if (unit_random(random) % 10 == 0)
        for (uint64_t number = 0; number < 3000; number++)
            unit_assert_ok(index_delete_frame(txn, FRAMES_PENDING, number, &err), err);
    commit(txn);
}

START_TEST(whatever_lmdb_writes_is_sound)
{
    uint64_t random = 77 + (uint64_t)_i;
    struct index_txn *reader = NULL;
    for (int i = 0; i < 100; i++) {
        do_anything(&random);
        if (i % 7 == 0) { // a reader keeps its pages: others are taken, and lists grow
            index_abort(reader);
            reader = begin(false);
        }
        if (i % 23 == 0) {
            index_abort(reader);
            reader = NULL;
            reopen();
        }
        assert_sound();
    }
    index_abort(reader);
}
END_TEST

/* Every bit pattern must end the check, and never reach beyond the bytes (sanitizers, valgrind). */
START_TEST(no_changed_byte_leads_the_check_astray)
{
    static const unsigned char patterns[] = {0x01, 0x80, 0xff};
    size_t sound = 0;
    paged_work(300);
    assert_sound();
    for (size_t at = 0; at < paged.size; at++) {
        paged.data[at] = (char)(paged.data[at] ^ patterns[_i]);
        sound += paged_check() == PAGES_SOUND;
        paged.data[at] = (char)(paged.data[at] ^ patterns[_i]);
    }
    ck_assert_uint_lt(sound,
                      paged.size); // free pages, free room and values: other checks are for them
    ck_assert_int_eq(paged_check(), PAGES_SOUND);
}
END_TEST

START_TEST(a_file_that_ends_too_early_is_damaged)
{
    paged_work(300);
    assert_sound();
    size_t size = paged.size;
    for (paged.size = 1; paged.size < size; paged.size += paged.size < 9000 ? 1 : 509)
        ck_assert_int_eq(paged_check(), PAGES_DAMAGED);
}
END_TEST

/* Pages that changed places, or are lost: a page of which the trees know is known by its number. */
START_TEST(a_page_that_is_used_cannot_be_another_one)
{
    enum { PAGE = 4096 };
    static char kept[PAGE];
    paged_work(300);
    assert_sound();
    size_t pages = paged.size / PAGE, used = 0;
    for (size_t to = 2; to < pages; to++) {
        memcpy(kept, paged.data + to * PAGE, PAGE);
        memset(paged.data + to * PAGE, 0, PAGE);
        bool is_used = paged_check() == PAGES_DAMAGED;
        used += is_used;
        for (size_t from = 0; from < pages; from++) {
            memcpy(paged.data + to * PAGE, paged.data + from * PAGE, PAGE);
            ck_assert(from == to || !is_used || paged_check() == PAGES_DAMAGED);
        }
        memcpy(paged.data + to * PAGE, kept, PAGE);
    }
    ck_assert_uint_ge(used, 12);
}
END_TEST

/* --- what exactly is wrong --- */

/* The head of the page that the newest state's table TABLE has as its root, and the page's number. */
static char *root_of(const char *table)
{
    char name[16];
    struct pages_state states[PAGES_METAS];
    unit_assert_ok(index_meta_read(&paged_source, states, &paged_finding, &err), err);
    char *main_page = paged.data + states[0].main.root * states[0].page_bytes;
    snprintf(name, sizeof name, "%s", table);
    char *node = memmem(main_page, states[0].page_bytes, name, strlen(name));
    ck_assert_ptr_nonnull(node);
    struct pages_tree tree;
    memcpy(&tree, node + strlen(name), sizeof tree);
    return paged.data + tree.root * states[0].page_bytes;
}

static void put16(char *at, unsigned value)
{
    uint16_t v = (uint16_t)value;
    memcpy(at, &v, sizeof v);
}

static unsigned get16(const char *at)
{
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static char *node_of(char *page, size_t i)
{
    return page + get16(page + 16 + 2 * i);
}

static void change_number(char *page)
{
    page[0] = (char)(page[0] + 1);
}
static void change_kind(char *page)
{
    put16(page + 10, PAGE_OVERFLOW);
}
static void move_bounds(char *page)
{
    put16(page + 12, get16(page + 14) + 2);
}
static void count_no_node(char *page)
{
    put16(page + 12, 16);
}
static void keep_one_child(char *page)
{
    put16(page + 12, 18);
}
static void move_a_node_out(char *page)
{
    put16(page + 16, 4094);
}
static void move_a_node_into_the_free_room(char *page)
{
    put16(page + 16, get16(page + 14) - 2);
}
static void lengthen_a_key(char *page)
{
    put16(node_of(page, 1) + 6, 512);
}
static void shorten_a_key(char *page)
{
    put16(node_of(page, 1) + 6, 7);
}
static void swap_nodes(char *page)
{
    unsigned place = get16(page + 18);
    put16(page + 18, get16(page + 20));
    put16(page + 20, place);
}
static void name_a_page_that_is_none(char *page)
{
    put16(node_of(page, 1) + 2, 0x7fff);
}
static void name_a_child_twice(char *page)
{
    put16(node_of(page, 1), get16(node_of(page, 0)));
}
static void raise_a_childs_first_key(char *page)
{
    node_of(page, 1)[15] = (char)(node_of(page, 1)[15] + 1);
}
static void name_a_meta_page(char *page)
{
    put16(node_of(page, 1), 1);
}

static const struct {
    const char *table;
    void (*change)(char *page);
    const char *why;
} changes[] = {
    {"frames", change_number, "another page stands in its place"},
    {"frames", change_kind, "it is of a wrong kind"},
    {"frames", move_bounds, "its bounds are wrong"},
    {"frames", count_no_node, "its bounds are wrong"},
    {"frames", keep_one_child, "it has a single child"},
    {"frames", move_a_node_out, "a node's place is wrong"},
    {"frames", move_a_node_into_the_free_room, "a node's place is wrong"},
    {"frames", lengthen_a_key, "a key's length is wrong"},
    {"frames", shorten_a_key, "a key is no number"},
    {"frames", swap_nodes, "its keys are out of order"},
    {"frames", name_a_page_that_is_none, "it refers to a page that is not in the file"},
    {"frames", name_a_meta_page, "it refers to a page that is not in the file"},
    {"frames", name_a_child_twice, "it is used twice"},
    {"frames", raise_a_childs_first_key, "its keys are out of order"},
    {"parts", swap_nodes, "its keys are out of order"},
};

START_TEST(what_is_wrong_with_a_page_is_named)
{
    paged_work(600);
    assert_sound();
    changes[_i].change(root_of(changes[_i].table));
    ck_assert_int_eq(paged_check(), PAGES_DAMAGED);
    ck_assert_str_eq(paged_finding.why, changes[_i].why);
}
END_TEST

/* What the page of tables says of a table, FIELD bytes behind its name. */
static const struct {
    const char *table;
    size_t field;
    const char *why;
} descriptions[] = {
    {"frames", 0, "a table's flags are wrong"},
    {"frames", 4, "a table's flags are wrong"},
    {"frames", 6, "a tree's depth is wrong"},
    {"frames", 8, "a tree's counts are wrong"},
    {"frames", 16, "a tree's counts are wrong"},
    {"parts", 24, "a tree's counts are wrong"},
    {"frames", 32, "a tree's counts are wrong"},
    {"frames", 41, "it refers to a page that is not in the file"},
    {"done", 6, "a tree's depth is wrong"},
};

START_TEST(what_is_wrong_with_a_table_is_named)
{
    struct pages_state states[PAGES_METAS];
    const char *table = descriptions[_i].table;
    paged_work(600);
    assert_sound();
    unit_assert_ok(index_meta_read(&paged_source, states, &paged_finding, &err), err);
    char *page = paged.data + states[0].main.root * states[0].page_bytes;
    char *name = memmem(page, states[0].page_bytes, table, strlen(table));
    name[strlen(table) + descriptions[_i].field] ^= 0x40;
    ck_assert_int_eq(paged_check(), PAGES_DAMAGED);
    ck_assert_str_eq(paged_finding.why, descriptions[_i].why);
}
END_TEST

START_TEST(another_table_in_a_tables_place_is_damage)
{
    struct pages_state states[PAGES_METAS];
    put_job();
    assert_sound();
    unit_assert_ok(index_meta_read(&paged_source, states, &paged_finding, &err), err);
    char *page = paged.data + states[0].main.root * states[0].page_bytes;
    char *name = memmem(page, states[0].page_bytes, "parts", 5);
    name[0] = _i == 0 ? 'q' : 'a';
    ck_assert_int_eq(paged_check(), PAGES_DAMAGED);
}
END_TEST

static bool fail_to_read(const void *context, uint64_t offset, void *out, size_t size, size_t *got,
                         struct error *e)
{
    if (offset >= 2 * 4096)
        return error_set(e, ERROR_DISK, "no such luck");
    return paged_read(context, offset, out, size, got, e);
}

START_TEST(what_cannot_be_read_is_no_verdict)
{
    const struct pages_source source = {fail_to_read, &paged};
    struct pages_state states[PAGES_METAS];
    put_job();
    assert_sound();
    unit_assert_ok(index_meta_read(&paged_source, states, &paged_finding, &err), err);
    unit_assert_error(index_pages_check(&source, &states[0], paged_tables, COUNT_OF(paged_tables),
                                        &paged_finding, &err),
                      err, ERROR_DISK, "no such luck");
}
END_TEST

UNIT_MAIN_WITH("spool/index_pages", set_up, clean_up, UNIT_TEST(a_new_index_is_sound),
               UNIT_LOOP(whatever_lmdb_writes_is_sound, 3),
               UNIT_LOOP(no_changed_byte_leads_the_check_astray, 3),
               UNIT_TEST(a_file_that_ends_too_early_is_damaged),
               UNIT_TEST(a_page_that_is_used_cannot_be_another_one),
               UNIT_EACH(what_is_wrong_with_a_page_is_named, changes),
               UNIT_EACH(what_is_wrong_with_a_table_is_named, descriptions),
               UNIT_LOOP(another_table_in_a_tables_place_is_damage, 2),
               UNIT_TEST(what_cannot_be_read_is_no_verdict))
