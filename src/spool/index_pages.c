/* index_pages.c: see index_pages.h. Names in capitals are those of LMDB's mdb.c. */
#include "spool/index_pages.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

enum {
    MOST_DEPTH = 32,      // CURSOR_STACK
    MOST_KEY_BYTES = 511, // MDB_MAXKEYSIZE
    MOST_TABLES = 16,
    LIST_NUMBERS = 512, // of a list of free pages, read at once
};

enum node_flag { NODE_BIG = 1, NODE_TREE = 2 }; // F_BIGDATA, F_SUBDATA
static const size_t NO_PAGE = SIZE_MAX;         // P_INVALID

/* MDB_node: a header, then key and data. */
struct node_head {
    uint32_t size; // mn_lo and mn_hi: of the data; a child's page number
    uint16_t flags;
    uint16_t key_bytes;
};

enum tree_kind { TREE_FREE, TREE_MAIN, TREE_TABLE };

struct walk {
    const struct pages_source *source;
    const struct pages_state *state;
    struct pages_finding *finding;
    struct error *err;
    unsigned char *seen;  // a bit for each page
    char *pages;          // one for each level of the tree
    enum tree_kind kind;  // of the tree that is walked
    struct pages_tree is; // what was counted in it
    const char *const *names;
    size_t name_count;
    struct pages_tree tables[MOST_TABLES];
    bool has_failed; // to read
};

/* A node of a page, or (key only) a bound. */
struct node {
    struct slice key;
    struct slice data; // inline
    uint64_t size;     // of the data, inline or not
    uint64_t page;     // a child's, or the first that holds the data
    unsigned flags;
};

static bool bad(struct walk *w, uint64_t page, const char *why)
{
    return pages_damaged(w->finding, page, why);
}

/* COUNT pages from PAGE on are used now; each may be only once. */
static bool use_pages(struct walk *w, uint64_t from, uint64_t page, uint64_t count)
{
    if (page < PAGES_METAS || page > w->state->last_page || count > w->state->last_page - page + 1)
        return bad(w, from, "it refers to a page that is not in the file");
    for (uint64_t i = page; i < page + count; i++) {
        unsigned char bit = (unsigned char)(1u << i % 8);
        if (w->seen[i / 8] & bit)
            return bad(w, i, "it is used twice");
        w->seen[i / 8] |= bit;
    }
    return true;
}

static bool read_bytes(struct walk *w, uint64_t page, uint64_t offset, void *out, size_t size)
{
    size_t got;
    uint64_t at = page * w->state->page_bytes + offset;
    if (!w->source->read(w->source->context, at, out, size, &got, w->err)) {
        w->has_failed = true;
        return false;
    }
    return got == size || bad(w, page, "the file ends within it");
}

/* MDB_page of the level DEPTH. */
static char *page_at(struct walk *w, unsigned depth)
{
    return w->pages + depth * w->state->page_bytes;
}

static struct page_head head_of(const char *page)
{
    struct page_head head;
    memcpy(&head, page, sizeof head);
    return head;
}

static size_t count_nodes(const char *page)
{
    return (head_of(page).lower - sizeof(struct page_head)) / sizeof(uint16_t);
}

/* Node I of PAGE, number NUMBER: NODEPTR, and what is in it. */
static bool get_node(struct walk *w, uint64_t number, const char *page, size_t i, struct node *node)
{
    struct node_head head;
    uint16_t place;
    size_t left = w->state->page_bytes;
    struct page_head ph = head_of(page);
    memcpy(&place, page + sizeof ph + i * sizeof place, sizeof place);
    if (place % 2 != 0 || place < ph.upper || place > left - sizeof head)
        return bad(w, number, "a node's place is wrong");
    memcpy(&head, page + place, sizeof head);
    left -= place + sizeof head;
    if (head.key_bytes > MOST_KEY_BYTES || head.key_bytes > left)
        return bad(w, number, "a key's length is wrong");
    left -= head.key_bytes;
    *node = (struct node){.flags = head.flags, .size = head.size};
    node->key = (struct slice){page + place + sizeof head, head.key_bytes};
    if (ph.flags == PAGE_BRANCH) {
        uint64_t high = sizeof(size_t) > 4 ? (uint64_t)1 << 32 : 0; // PGNO_TOPWORD
        node->page = head.size + head.flags * high;
        return true;
    }
    size_t inline_bytes = head.flags & NODE_BIG ? sizeof(size_t) : head.size;
    if (inline_bytes > left)
        return bad(w, number, "a value's length is wrong");
    node->data = (struct slice){node->key.data + node->key.size, inline_bytes};
    if (head.flags & NODE_BIG) {
        size_t first;
        memcpy(&first, node->data.data, sizeof first);
        node->page = first;
    }
    return true;
}

/* As LMDB orders the tree's keys: numbers in the list of free pages, else bytes. */
static int compare(const struct walk *w, struct slice a, struct slice b)
{
    if (w->kind == TREE_FREE) {
        size_t x, y;
        memcpy(&x, a.data, sizeof x);
        memcpy(&y, b.data, sizeof y);
        return (x > y) - (x < y);
    }
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* A part of the keys' order: from `least` on (or behind it), up to `limit`; NULL: no bound. */
struct bounds {
    struct slice least;
    bool is_behind;
    struct slice limit;
};

static bool is_key_in_order(struct walk *w, uint64_t number, struct slice key,
                            const struct bounds *bounds)
{
    if (w->kind != TREE_MAIN && key.size != sizeof(uint64_t))
        return bad(w, number, "a key is no number");
    if (bounds->least.data != NULL && compare(w, key, bounds->least) < bounds->is_behind)
        return bad(w, number, "its keys are out of order");
    return bounds->limit.data == NULL || compare(w, key, bounds->limit) < 0 ||
           bad(w, number, "its keys are out of order");
}

/* --- values --- */

/* PAGES that hold a value of more than a node's room: a header, then the bytes. */
static bool use_value(struct walk *w, uint64_t number, const struct node *node)
{
    struct page_head head;
    uint32_t count;
    if (!use_pages(w, number, node->page, 1) || !read_bytes(w, node->page, 0, &head, sizeof head))
        return false;
    memcpy(&count, &head.lower, sizeof count);
    uint64_t needed = (sizeof head - 1 + node->size) / w->state->page_bytes + 1; // OVPAGES
    if (head.number != node->page || head.flags != PAGE_OVERFLOW || count < needed)
        return bad(w, node->page, "it does not hold the value that it should");
    w->is.overflow_pages += count;
    return count == 1 || use_pages(w, number, node->page + 1, count - 1);
}

/* Free pages: a list of numbers, the greatest first, with its length in front (MDB_IDL). */
static bool check_list(struct walk *w, uint64_t number, const size_t *list, size_t count,
                       size_t *before)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] >= *before)
            return bad(w, number, "a list of free pages is out of order");
        *before = list[i];
        if (!use_pages(w, number, list[i], 1))
            return false;
    }
    return true;
}

static bool read_list(struct walk *w, const struct node *node, uint64_t at, size_t *out,
                      size_t count)
{
    if (node->flags & NODE_BIG)
        return read_bytes(w, node->page, sizeof(struct page_head) + at, out, count * sizeof *out);
    memcpy(out, node->data.data + at, count * sizeof *out);
    return true;
}

static bool check_free_pages(struct walk *w, uint64_t number, const struct node *node)
{
    size_t list[LIST_NUMBERS];
    size_t txn, left, before = SIZE_MAX;
    memcpy(&txn, node->key.data, sizeof txn);
    if (txn > w->state->txn || node->size < sizeof left || node->size % sizeof left != 0)
        return bad(w, number, "a list of free pages is wrong");
    if (!read_list(w, node, 0, &left, 1))
        return false;
    if (left > node->size / sizeof left - 1)
        return bad(w, number, "a list of free pages is wrong");
    for (uint64_t at = sizeof left; left > 0;) {
        size_t count = left < (size_t)LIST_NUMBERS ? left : (size_t)LIST_NUMBERS;
        if (!read_list(w, node, at, list, count) || !check_list(w, number, list, count, &before))
            return false;
        left -= count;
        at += count * sizeof *list;
    }
    return true;
}

/* A table's name and tree, in the order of the names. */
static bool take_table(struct walk *w, uint64_t number, const struct node *node)
{
    size_t i = w->is.entries;
    struct pages_tree *table = &w->tables[i];
    if (i >= w->name_count || !slice_equal(node->key, slice_of(w->names[i])) ||
        node->size != sizeof *table)
        return bad(w, number, "it holds another table than it should");
    memcpy(table, node->data.data, sizeof *table);
    return true;
}

static bool check_leaf_node(struct walk *w, uint64_t number, const struct node *node)
{
    if (node->flags != (w->kind == TREE_MAIN ? NODE_TREE : node->flags & NODE_BIG))
        return bad(w, number, "a value is of a wrong kind");
    if (w->kind == TREE_MAIN && !take_table(w, number, node))
        return false;
    if (node->flags & NODE_BIG && !use_value(w, number, node))
        return false;
    if (w->kind == TREE_FREE && !check_free_pages(w, number, node))
        return false;
    w->is.entries++;
    return true;
}

/* --- trees --- */

static bool check_page(struct walk *w, uint64_t from, uint64_t number, unsigned depth,
                       struct bounds bounds);

/* The header of a page of level DEPTH of TREE. */
static bool check_head(struct walk *w, uint64_t number, const char *page, bool is_leaf)
{
    struct page_head head = head_of(page);
    if (head.number != number)
        return bad(w, number, "another page stands in its place");
    if (head.flags != (is_leaf ? PAGE_LEAF : PAGE_BRANCH))
        return bad(w, number, "it is of a wrong kind");
    if (head.lower % 2 != 0 || head.lower <= sizeof head || head.lower > head.upper ||
        head.upper > w->state->page_bytes)
        return bad(w, number, "its bounds are wrong");
    return is_leaf || w->kind == TREE_FREE || count_nodes(page) > 1 ||
           bad(w, number, "it has a single child");
}

/* The children: each has the keys from its own on up to the next one's; the first one's is not kept. */
static bool check_children(struct walk *w, uint64_t number, unsigned depth, struct bounds bounds)
{
    const char *page = page_at(w, depth);
    size_t count = count_nodes(page);
    struct node node, next;
    struct bounds own = bounds;
    if (!get_node(w, number, page, 0, &node))
        return false;
    for (size_t i = 0; i < count; i++, node = next) {
        own.limit = bounds.limit;
        if (i + 1 < count) {
            struct bounds behind = {own.least, true, bounds.limit};
            if (!get_node(w, number, page, i + 1, &next) ||
                !is_key_in_order(w, number, next.key, &behind))
                return false;
            own.limit = next.key;
        }
        if (!check_page(w, number, node.page, depth + 1, own))
            return false;
        own.least = own.limit;
    }
    w->is.branch_pages++;
    return true;
}

static bool check_leaf(struct walk *w, uint64_t number, unsigned depth, struct bounds bounds)
{
    const char *page = page_at(w, depth);
    struct node node;
    for (size_t i = 0; i < count_nodes(page); i++) {
        if (!get_node(w, number, page, i, &node) ||
            !is_key_in_order(w, number, node.key, &bounds) || !check_leaf_node(w, number, &node))
            return false;
        bounds.least = node.key;
        bounds.is_behind = true;
    }
    w->is.leaf_pages++;
    return true;
}

/* Page NUMBER, to which page FROM refers. */
static bool check_page(struct walk *w, uint64_t from, uint64_t number, unsigned depth,
                       struct bounds bounds)
{
    bool is_leaf = depth + 1 == w->is.depth;
    char *page = page_at(w, depth);
    if (!use_pages(w, from, number, 1) || !read_bytes(w, number, 0, page, w->state->page_bytes) ||
        !check_head(w, number, page, is_leaf))
        return false;
    return is_leaf ? check_leaf(w, number, depth, bounds)
                   : check_children(w, number, depth, bounds);
}

/* TREE, which page FROM describes. */
static bool check_tree(struct walk *w, enum tree_kind kind, uint64_t from,
                       const struct pages_tree *tree)
{
    w->kind = kind;
    w->is = (struct pages_tree){
        .pad = tree->pad, .flags = tree->flags, .depth = tree->depth, .root = tree->root};
    if (tree->depth > MOST_DEPTH || (tree->root == NO_PAGE) != (tree->depth == 0))
        return bad(w, from, "a tree's depth is wrong");
    if (tree->depth > 0 && !check_page(w, from, tree->root, 0, (struct bounds){.is_behind = false}))
        return false;
    return memcmp(&w->is, tree, sizeof *tree) == 0 || bad(w, from, "a tree's counts are wrong");
}

static bool check_trees(struct walk *w)
{
    uint64_t meta = w->state->txn % PAGES_METAS;
    if (!check_tree(w, TREE_FREE, meta, &w->state->free) ||
        !check_tree(w, TREE_MAIN, meta, &w->state->main))
        return false;
    size_t count = w->is.entries;
    if (count != 0 && count != w->name_count)
        return bad(w, w->state->main.root, "a table is missing");
    for (size_t i = 0; i < count; i++) {
        const struct pages_tree *table = &w->tables[i];
        if (table->pad != 0 || table->flags != 0)
            return bad(w, w->state->main.root, "a table's flags are wrong");
        if (!check_tree(w, TREE_TABLE, w->state->main.root, table))
            return false;
    }
    return true;
}

bool index_pages_check(const struct pages_source *source, const struct pages_state *state,
                       const char *const *tables, size_t count, struct pages_finding *finding,
                       struct error *err)
{
    struct walk w = {.source = source,
                     .state = state,
                     .finding = finding,
                     .err = err,
                     .names = tables,
                     .name_count = count < MOST_TABLES ? count : MOST_TABLES};
    *finding = (struct pages_finding){PAGES_SOUND, NULL, 0};
    w.seen = calloc(state->last_page / 8 + 1, 1);
    w.pages = calloc(MOST_DEPTH, state->page_bytes);
    bool ok = w.seen != NULL && w.pages != NULL;
    if (!ok)
        error_set_memory(err);
    else
        ok = check_trees(&w) || !w.has_failed;
    free(w.seen);
    free(w.pages);
    return ok;
}
