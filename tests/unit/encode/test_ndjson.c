/* test_ndjson.c: lines become operations whose bytes are the file's, or are refused with what is to blame. */
#include "encode/ndjson.h"

#include <jansson.h>

#include "base/json_scan.h"
#include "unit.h"

static struct buffer out;
static struct document_result result;
static struct error err;

static void begin(void)
{
    buffer_init(&out, 1 << 20);
}

static void end(void)
{
    buffer_free(&out);
}

static void encode_with(struct ndjson_encoder *e, struct slice line, struct slice source)
{
    memset(&result, 0xff, sizeof result);
    unit_assert_ok(ndjson_encode(e, line, source, &out, &result, &err), err);
}

static struct ndjson_encoder *new_encoder(enum ndjson_format format, enum bulk_op op)
{
    struct ndjson_shape shape = {.format = format, .id_field = "id", .op = op};
    struct ndjson_encoder *e;
    unit_assert_ok(ndjson_encoder_new(&e, &shape, &err), err);
    return e;
}

static struct slice slice_or_none(const char *text)
{
    return text != NULL ? slice_of(text) : (struct slice){NULL, 0};
}

/* --- formats --- */

static const struct {
    const char *line;
    enum ndjson_format format;
    bool takes_source;
    bool is_blank;
} lines[] = {
    {"{\"index\":{\"_id\":\"7\"}}\n", NDJSON_BULK, true, false},
    {"{\"create\":{}}", NDJSON_BULK, true, false},
    {" { \"update\" : { } } \r\n", NDJSON_BULK, true, false},
    {"{\"delete\":{\"_id\":\"7\"}}", NDJSON_BULK, false, false},
    {"{\"index\":{\"unknown\":1}}", NDJSON_BULK, true, false},
    {"{\"index\":7}", NDJSON_AUTO, false, false}, // a document with such a field
    {"{\"index\":{},\"id\":1}", NDJSON_AUTO, false, false},
    {"{\"index\":{}} {}", NDJSON_AUTO, false, false},
    {"{\"index\":{}", NDJSON_AUTO, false, false},
    {"{\"Index\":{}}", NDJSON_AUTO, false, false},
    {"{\"_id\":\"7\",\"_source\":{}}\n", NDJSON_HITS, false, false},
    {"{\"_index\":\"a\",\"_source\":{\"a\":1},\"sort\":[1],\"_id\":\"7\"}", NDJSON_HITS, false,
     false},
    {"{\"_id\":null,\"_source\":{}}", NDJSON_HITS, false, false},
    {"{\"_id\":\"7\"}", NDJSON_AUTO, false, false},
    {"{\"_source\":{}}", NDJSON_AUTO, false, false},
    {"{\"_id\":\"7\",\"_source\":\"x\"}", NDJSON_AUTO, false, false},
    {"{\"_id\":\"7\",\"_source\":{}}{", NDJSON_AUTO, false, false},
    {"{\"a\":{\"_id\":\"7\",\"_source\":{}}}", NDJSON_AUTO, false, false},
    {"{\"id\":7}", NDJSON_AUTO, false, false},
    {"{}", NDJSON_AUTO, false, false},
    {"[{\"index\":{}}]", NDJSON_AUTO, false, false},
    {"7", NDJSON_AUTO, false, false},
    {"\xef\xbb\xbf{\"index\":{}}", NDJSON_AUTO, false, false}, // no byte order mark (RFC 8259, 8.1)
    {"", NDJSON_AUTO, false, true},
    {"\n", NDJSON_AUTO, false, true},
    {" \t\r\n", NDJSON_AUTO, false, true},
    {"\f\n", NDJSON_AUTO, false, false},
};

START_TEST(the_first_line_tells_the_format)
{
    struct slice line = slice_of(lines[_i].line);
    ck_assert_str_eq(ndjson_format_name(ndjson_detect(line)), ndjson_format_name(lines[_i].format));
    ck_assert_int_eq(ndjson_takes_source(line), lines[_i].takes_source);
    ck_assert_int_eq(ndjson_is_blank(line), lines[_i].is_blank);
}
END_TEST

START_TEST(formats_have_the_names_of_the_option)
{
    static const char *const names[] = {"auto", "documents", "hits", "bulk"};
    for (int i = 0; i < (int)COUNT_OF(names); i++)
        ck_assert_str_eq(ndjson_format_name((enum ndjson_format)i), names[i]);
}
END_TEST

/* --- lines that become operations --- */

#define DOC NDJSON_DOCUMENTS
#define HIT NDJSON_HITS
#define BULK NDJSON_BULK
#define INDEX_7 "{\"index\":{\"_id\":\"7\"}}\n"

static const struct {
    enum ndjson_format format;
    enum bulk_op op; // that of the action, too
    const char *line, *source;
    const char *out;
    const char *id, *index, *routing;
} good[] = {
    {DOC, BULK_INDEX, "{\"id\":7,\"a\":1.50}\n", NULL, INDEX_7 "{\"id\":7,\"a\":1.50}\n", "7", NULL,
     NULL},
    {DOC, BULK_CREATE, " {\"a\" : [ {} ], \"id\":\"7\"}\r\n", NULL,
     "{\"create\":{\"_id\":\"7\"}}\n{\"a\" : [ {} ], \"id\":\"7\"}\n", "7", NULL, NULL},
    {DOC, BULK_UPDATE, "{\"id\":7}\n", NULL,
     "{\"update\":{\"_id\":\"7\"}}\n{\"doc\":{\"id\":7},\"doc_as_upsert\":true}\n", "7", NULL,
     NULL},
    {DOC, BULK_DELETE, "{\"id\":7,\"a\":1}\n", NULL, "{\"delete\":{\"_id\":\"7\"}}\n", "7", NULL,
     NULL},
    {DOC, BULK_INDEX, "{\"id\":-7}", NULL, "{\"index\":{\"_id\":\"-7\"}}\n{\"id\":-7}\n", "-7",
     NULL, NULL},
    {DOC, BULK_INDEX, "{\"id\":123456789012345678901234567890}", NULL,
     "{\"index\":{\"_id\":\"123456789012345678901234567890\"}}\n"
     "{\"id\":123456789012345678901234567890}\n",
     "123456789012345678901234567890", NULL, NULL},
    {DOC, BULK_INDEX, "{\"id\":\"a\\\"\\\\\\/\\n\\u00e9\\ud83d\\ude00\"}", NULL,
     "{\"index\":{\"_id\":\"a\\\"\\\\/\\n\xc3\xa9\xf0\x9f\x98\x80\"}}\n"
     "{\"id\":\"a\\\"\\\\\\/\\n\\u00e9\\ud83d\\ude00\"}\n",
     "a\"\\/\n\xc3\xa9\xf0\x9f\x98\x80", NULL, NULL},
    {DOC, BULK_INDEX, "{\"id\":7,\"id\":8}", NULL, INDEX_7 "{\"id\":7,\"id\":8}\n", "7", NULL,
     NULL},
    {DOC, BULK_INDEX, "{\"_id\":1,\"a\":{\"id\":2},\"id\":7}", NULL,
     INDEX_7 "{\"_id\":1,\"a\":{\"id\":2},\"id\":7}\n", "7", NULL, NULL},
    // elasticdump; _search; what tells where it was doesn't count
    {HIT, BULK_INDEX,
     "{\"_index\":\"a\",\"_type\":\"_doc\",\"_id\":\"7\",\"_score\":1,\"_source\":{\"a\":1.50}}\n",
     NULL, INDEX_7 "{\"a\":1.50}\n", "7", NULL, NULL},
    {HIT, BULK_INDEX,
     "{\"_index\":\"a\",\"_id\":\"7\",\"_version\":3,\"_seq_no\":1,\"_routing\":\"r\\u00e9\","
     "\"_source\": { \"a\" : 1 } ,\"sort\":[7,\"x\"],\"fields\":{\"b\":[1]}}\r\n",
     NULL,
     "{\"index\":{\"_id\":\"7\",\"routing\":\"r\xc3\xa9\"}}\n"
     "{ \"a\" : 1 }\n",
     "7", NULL, "r\xc3\xa9"},
    {HIT, BULK_UPDATE, "{\"_id\":7,\"_routing\":8,\"_source\":{}}", NULL,
     "{\"update\":{\"_id\":\"7\",\"routing\":\"8\"}}\n{\"doc\":{},\"doc_as_upsert\":true}\n", "7",
     NULL, "8"},
    {HIT, BULK_DELETE, "{\"_id\":\"7\",\"_routing\":null,\"_source\":{}}", NULL,
     "{\"delete\":{\"_id\":\"7\"}}\n", "7", NULL, NULL},
    {HIT, BULK_CREATE, "{\"_id\":\"7\",\"_source\":{\"a\":1},\"_id\":\"8\",\"_source\":{}}", NULL,
     "{\"create\":{\"_id\":\"7\"}}\n{\"a\":1}\n", "7", NULL, NULL},
    {BULK, BULK_INDEX, "{\"index\":{\"_id\":\"7\"}}\n", "{\"a\" : 1.50}\n",
     INDEX_7 "{\"a\" : 1.50}\n", "7", NULL, NULL},
    {BULK, BULK_CREATE,
     "{ \"create\" : { \"_index\" : \"a\\u0062\", \"_type\" : \"_doc\", \"id\" : 7 } }\r\n",
     "\t{\"a\":1} \r\n", "{\"create\":{\"_id\":\"7\",\"_index\":\"ab\"}}\n{\"a\":1}\n", "7", "ab",
     NULL},
    {BULK, BULK_UPDATE, "{\"update\":{\"_id\":\"7\",\"routing\":\"r\"}}",
     "{\"script\":{\"source\":\"x\"}}",
     "{\"update\":{\"_id\":\"7\",\"routing\":\"r\"}}\n{\"script\":{\"source\":\"x\"}}\n", "7", NULL,
     "r"},
    {BULK, BULK_INDEX,
     "{\"index\":{\"_id\":\"7\",\"_routing\":\"r\",\"_version\":3,\"_version_type\":\"external\"}}",
     "{}",
     "{\"index\":{\"_id\":\"7\",\"routing\":\"r\",\"version\":3,\"version_type\":\"external\"}}\n"
     "{}\n",
     "7", NULL, "r"},
    {BULK, BULK_DELETE,
     "{\"delete\":{\"index\":\"a\",\"type\":{},\"version\":\"4\",\"version_type\":\"external\","
     "\"_id\":\"7\"}}\n",
     NULL,
     "{\"delete\":{\"_id\":\"7\",\"_index\":\"a\",\"version\":4,\"version_type\":\"external\"}}\n",
     "7", "a", NULL},
    {BULK, BULK_INDEX,
     "{\"index\":{\"_id\":\"7\",\"_id\":\"8\",\"id\":{},\"_index\":\"a\",\"index\":\"b\"}}", "{}",
     "{\"index\":{\"_id\":\"7\",\"_index\":\"a\"}}\n{}\n", "7", "a", NULL},
    {BULK, BULK_INDEX, "{\"index\":{\"_id\":\"7\",\"_index\":null,\"routing\":null}}", "{}",
     INDEX_7 "{}\n", "7", NULL, NULL},
};

/* The reader that isn't ours must find the same operation and id in the first line. */
static void require_action(struct slice lines_out)
{
    static const char *const ops[] = {"index", "create", "update", "delete"};
    json_t *action = json_loadb(lines_out.data, result.source_at, JSON_ALLOW_NUL, NULL);
    const json_t *id = json_object_get(json_object_get(action, ops[result.op]), "_id");
    ck_assert_uint_eq(json_object_size(action), 1);
    ck_assert(json_is_string(id));
    ck_assert(
        slice_equal(result.id, (struct slice){json_string_value(id), json_string_length(id)}));
    json_decref(action);
}

static void require_text(struct slice got, const char *expected)
{
    ck_assert_int_eq(got.data != NULL, expected != NULL);
    unit_assert_slice(got, expected ? expected : "");
}

START_TEST(good_lines_become_an_operation_of_their_bytes)
{
    struct ndjson_encoder *e = new_encoder(good[_i].format, good[_i].op);
    encode_with(e, slice_of(good[_i].line), slice_or_none(good[_i].source));
    ck_assert_msg(!result.is_dead, "%s: %s", result.column, result.reason);
    ck_assert_ptr_null(result.reason);
    ck_assert_ptr_null(result.column);
    ck_assert_uint_eq(result.nulled, 0);
    ck_assert_int_eq(result.op, good[_i].op);
    unit_assert_slice(buffer_slice(&out), good[_i].out);
    ck_assert_int_eq(out.data[result.source_at - 1], '\n');
    ck_assert_ptr_eq(memchr(out.data, '\n', out.size), out.data + result.source_at - 1);
    require_text(result.id, good[_i].id);
    require_text(result.index, good[_i].index);
    require_text(result.routing, good[_i].routing);
    require_action(buffer_slice(&out));
    ndjson_encoder_free(e);
}
END_TEST

START_TEST(operations_are_appended_one_after_another)
{
    struct ndjson_encoder *e = new_encoder(DOC, BULK_INDEX);
    encode_with(e, slice_of("{\"id\":7}\n"), slice_or_none(NULL));
    size_t first = out.size;
    encode_with(e, slice_of("{}\n"), slice_or_none(NULL));
    ck_assert(result.is_dead);
    ck_assert_uint_eq(out.size, first);
    encode_with(e, slice_of("{\"id\":\"longer\"}\n"), slice_or_none(NULL));
    unit_assert_slice(buffer_slice(&out), INDEX_7
                      "{\"id\":7}\n{\"index\":{\"_id\":\"longer\"}}\n{\"id\":\"longer\"}\n");
    ck_assert_uint_eq(result.source_at, strlen("{\"index\":{\"_id\":\"longer\"}}\n"));
    ndjson_encoder_free(e);
    ndjson_encoder_free(NULL);
}
END_TEST

START_TEST(long_metadata_is_kept_whole)
{
    static const char format[] = "{\"create\":{\"_id\":\"%0500d\",\"%s\":\"%09000d\"%s}}\n";
    struct ndjson_encoder *e = new_encoder(BULK, BULK_INDEX);
    char line[10000], expected[10000];
    snprintf(line, sizeof line, format, 1, "_routing", 2, ",\"_type\":\"_doc\"");
    snprintf(expected, sizeof expected, format, 1, "routing", 2, "");
    encode_with(e, slice_of(line), slice_of("{}"));
    out.size -= strlen("{}\n");
    unit_assert_slice(buffer_slice(&out), expected);
    require_action(buffer_slice(&out));
    ndjson_encoder_free(e);
}
END_TEST

/* --- lines that are refused --- */

#define NO_OBJECT "it is not one JSON object"
#define NO_TEXT "it is neither a string nor an integer"
#define NO_ID "the document has no id: it is NULL"
#define NO_SOURCE "the hit has no object \"_source\""
#define NO_ACTION "it is not an action of a bulk request"
#define NO_SOURCE_LINE "the line behind it is not one JSON object"
#define NO_UTF8 "it is not valid UTF-8"
#define UNKNOWN "the action has a member that bobbin does not know"
#define NO_VERSION "the version is not an integer from 0 to 9223372036854775807"

static const struct {
    enum ndjson_format format;
    const char *line, *source;
    const char *column, *reason;
} bad[] = {
    {DOC, "", NULL, "line", NO_OBJECT},
    {DOC, "x\n", NULL, "line", NO_OBJECT},
    {DOC, "[]\n", NULL, "line", NO_OBJECT},
    {DOC, "{\"id\":7", NULL, "line", NO_OBJECT},
    {DOC, "{\"id\":7}}", NULL, "line", NO_OBJECT},
    {DOC, "{\"id\":7,}", NULL, "line", NO_OBJECT},
    {DOC, "{\"id\":07}", NULL, "line", NO_OBJECT},
    {DOC, "{\"id\":\"\t\"}", NULL, "line", NO_OBJECT},
    {DOC, "{\"id\":\"7\",\"a\":\"\xff\"}", NULL, "line", NO_UTF8},
    {DOC, "{\"id\":\"\xed\xa0\x80\"}", NULL, "line", NO_UTF8},
    {DOC, "{}", NULL, "id", NO_ID},
    {DOC, "{\"id\":null}", NULL, "id", NO_ID},
    {DOC, "{\"_id\":7,\"a\":{\"id\":7}}", NULL, "id", NO_ID},
    {DOC, "{\"i\\u0064\":7}", NULL, "id", NO_ID}, // names are compared as they stand
    {DOC, "{\"id\":\"\"}", NULL, "id", "the document's id is empty"},
    {DOC, "{\"id\":1.5}", NULL, "id", NO_TEXT},
    {DOC, "{\"id\":1e3}", NULL, "id", NO_TEXT},
    {DOC, "{\"id\":[7],\"id\":7}", NULL, "id", NO_TEXT},
    {HIT, "{\"_id\":\"7\",\"_source\":{}", NULL, "line", NO_OBJECT},
    {HIT, "{\"_id\":\"7\",\"_source\":{\"\xc3\":1}}", NULL, "line", NO_UTF8},
    {HIT, "{\"_source\":{}}", NULL, "_id", NO_ID},
    {HIT, "{\"_id\":{},\"_source\":{}}", NULL, "_id", NO_TEXT},
    {HIT, "{\"_id\":\"7\",\"_routing\":1.5,\"_source\":{}}", NULL, "_routing", NO_TEXT},
    {HIT, "{\"_id\":\"7\"}", NULL, "_source", NO_SOURCE},
    {HIT, "{\"_id\":\"7\",\"_source\":null}", NULL, "_source", NO_SOURCE},
    {HIT, "{\"_id\":\"7\",\"_source\":\"{}\"}", NULL, "_source", NO_SOURCE},
    {BULK, "{\"a\":1}", NULL, "line", NO_ACTION},
    {BULK, "{\"index\":7}", "{}", "line", NO_ACTION},
    {BULK, "{\"index\":{\"_id\":\"7\"}", "{}", "line", NO_ACTION},
    {BULK, "{}", NULL, "line", NO_ACTION},
    {BULK, "{\"index\":{\"_id\":\"\xc3\"}}", "{}", "line", NO_UTF8},
    {BULK, "{\"index\":{\"_id\":\"7\"}}", "{\"a\":\"\xc3\"}", "line", NO_UTF8},
    {BULK, "{\"index\":{}}", "{}", "_id", NO_ID},
    {BULK, "{\"delete\":{}}", NULL, "_id", NO_ID},
    {BULK, "{\"index\":{\"_id\":false}}", "{}", "_id", NO_TEXT},
    {BULK, "{\"index\":{\"_id\":\"7\",\"_index\":[]}}", "{}", "_index", NO_TEXT},
    {BULK, "{\"index\":{\"_id\":\"7\",\"_index\":\"\"}}", "{}", "_index",
     "the index name is empty"},
    {BULK, "{\"index\":{\"_id\":\"7\",\"_routing\":{}}}", "{}", "routing", NO_TEXT},
    {BULK, "{\"index\":{\"_id\":\"7\",\"version\":-1,\"version_type\":\"external\"}}", "{}",
     "version", NO_VERSION},
    {BULK, "{\"index\":{\"_id\":\"7\",\"_version\":1.0}}", "{}", "version", NO_TEXT},
    {BULK, "{\"create\":{\"_id\":\"7\",\"version\":1,\"version_type\":\"external\"}}", "{}",
     "version", "create and update take no external version"},
    {BULK, "{\"index\":{\"_id\":\"7\",\"version\":1,\"version_type\":\"external_gte\"}}", "{}",
     "version", "only an external version is known before it is sent"},
    {BULK, "{\"index\":{\"_id\":\"7\",\"pipeline\":\"p\"}}", "{}", "action", UNKNOWN},
    {BULK, "{\"index\":{\"_id\":\"7\",\"if_seq_no\":1}}", NULL, "action", UNKNOWN},
    {BULK, "{\"index\":{\"_id\":\"7\",\"\":1}}", "{}", "action", UNKNOWN},
    {BULK, "{\"index\":{\"_id\":\"7\",\"__id\":1}}", "{}", "action", UNKNOWN},
    {BULK, "{\"index\":{\"_id\":\"7\"}}", NULL, "action", "the file ends before its source line"},
    {BULK, "{\"index\":{\"_id\":\"7\"}}", "", "source", NO_SOURCE_LINE},
    {BULK, "{\"index\":{\"_id\":\"7\"}}", "\n", "source", NO_SOURCE_LINE},
    {BULK, "{\"index\":{\"_id\":\"7\"}}", "[]", "source", NO_SOURCE_LINE},
    {BULK, "{\"index\":{\"_id\":\"7\"}}", "{\"a\":}", "source", NO_SOURCE_LINE},
    {BULK, "{\"update\":{\"_id\":\"7\"}}", "{} {}", "source", NO_SOURCE_LINE},
};

START_TEST(lines_that_are_no_operation_are_refused_with_what_is_to_blame)
{
    struct ndjson_encoder *e = new_encoder(bad[_i].format, BULK_INDEX);
    buffer_append_string(&out, "before");
    encode_with(e, slice_of(bad[_i].line), slice_or_none(bad[_i].source));
    ck_assert(result.is_dead);
    ck_assert_str_eq(result.column, bad[_i].column);
    ck_assert_str_eq(result.reason, bad[_i].reason);
    unit_assert_slice(buffer_slice(&out), "before");
    ndjson_encoder_free(e);
}
END_TEST

START_TEST(a_zero_byte_is_no_json_though_its_escape_is)
{
    struct ndjson_encoder *e = new_encoder(DOC, BULK_INDEX);
    encode_with(e, UNIT_BYTES("{\"id\":\"7\",\"a\":\"\0\"}"), slice_or_none(NULL));
    ck_assert_str_eq(result.reason, NO_OBJECT);
    encode_with(e, UNIT_BYTES("{\"id\":\"7\"}\0"), slice_or_none(NULL));
    ck_assert_str_eq(result.reason, NO_OBJECT);
    encode_with(e, slice_of("{\"id\":\"\\u0000\"}"), slice_or_none(NULL));
    ck_assert(!result.is_dead && slice_equal(result.id, UNIT_BYTES("\0")));
    require_action(buffer_slice(&out));
    ndjson_encoder_free(e);
}
END_TEST

START_TEST(nesting_deeper_than_a_cluster_takes_is_refused)
{
    for (int i = 0; i < 2; i++) {
        size_t depth = i == 0 ? JSON_SCAN_MAX_DEPTH - 1 : 10 * JSON_SCAN_MAX_DEPTH;
        struct ndjson_encoder *e = new_encoder(DOC, BULK_INDEX);
        struct buffer line;
        buffer_init(&line, 1 << 20);
        buffer_append_string(&line, "{\"id\":7,\"a\":");
        for (size_t level = 0; level < depth; level++)
            buffer_append_byte(&line, '[');
        for (size_t level = 0; level < depth; level++)
            buffer_append_byte(&line, ']');
        buffer_append_string(&line, "}");
        encode_with(e, buffer_slice(&line), slice_or_none(NULL));
        ck_assert_int_eq(result.is_dead, i == 1);
        ndjson_encoder_free(e);
        buffer_free(&line);
    }
}
END_TEST

START_TEST(a_full_buffer_is_an_error_and_stays_as_it_was)
{
    static const char line[] = "{\"id\":7,\"title\":\"seven\"}\n";
    for (size_t room = 0; room < strlen(INDEX_7) + strlen(line); room++) {
        struct ndjson_encoder *e = new_encoder(DOC, BULK_INDEX);
        struct buffer small;
        buffer_init(&small, room);
        unit_assert_error(
            ndjson_encode(e, slice_of(line), slice_or_none(NULL), &small, &result, &err), err,
            ERROR_MEMORY, "an operation");
        ck_assert_uint_eq(small.size, 0);
        buffer_free(&small);
        ndjson_encoder_free(e);
    }
}
END_TEST

UNIT_MAIN_WITH("encode/ndjson", begin, end, UNIT_EACH(the_first_line_tells_the_format, lines),
               UNIT_TEST(formats_have_the_names_of_the_option),
               UNIT_EACH(good_lines_become_an_operation_of_their_bytes, good),
               UNIT_TEST(operations_are_appended_one_after_another),
               UNIT_TEST(long_metadata_is_kept_whole),
               UNIT_EACH(lines_that_are_no_operation_are_refused_with_what_is_to_blame, bad),
               UNIT_TEST(a_zero_byte_is_no_json_though_its_escape_is),
               UNIT_TEST(nesting_deeper_than_a_cluster_takes_is_refused),
               UNIT_TEST(a_full_buffer_is_an_error_and_stays_as_it_was))
