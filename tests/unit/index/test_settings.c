/* test_settings.c: settings in every spelling, those for loading, and what brings the others back. */
#include "index/settings.h"

#include "unit.h"

static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    ck_assert_msg(json != NULL, "%s", text);
    return json;
}

static void assert_equal(json_t *found, const char *expected)
{
    json_t *json = parse(expected);
    char *text = json_dumps(found, JSON_SORT_KEYS);
    ck_assert_msg(json_equal(found, json), "%s and not %s", text, expected);
    free(text);
    json_decref(json);
    json_decref(found);
}

static const struct {
    const char *settings, *flat;
} spellings[] = {
    {"{}", "{}"},
    {"{\"refresh_interval\":\"1s\"}", "{\"index.refresh_interval\":\"1s\"}"},
    {"{\"index\":{\"refresh_interval\":\"1s\"}}", "{\"index.refresh_interval\":\"1s\"}"},
    {"{\"index.refresh_interval\":null}", "{\"index.refresh_interval\":null}"},
    {"{\"index\":{\"translog.durability\":\"async\",\"translog\":{\"sync_interval\":\"9s\"}},"
     "\"analysis\":{"
     "\"filter\":{\"a\":{\"rules\":[\"b => c\",\"d => e\"]}}}}",
     "{\"index.translog.durability\":\"async\",\"index.translog.sync_interval\":\"9s\","
     "\"index.analysis.filter.a.rules\":[\"b => c\",\"d => e\"]}"},
    {"{\"index.a.b\":true,\"archived.index.c\":1}", "{\"index.a.b\":true,\"archived.index.c\":1}"},
};

START_TEST(all_spellings_become_one)
{
    json_t *settings = parse(spellings[_i].settings);
    assert_equal(settings_flatten(settings), spellings[_i].flat);
    json_decref(settings);
}
END_TEST

static const struct {
    const char *flat, *otherwise, *loading, *restored;
    bool is_async, needs_flush;
} tunings[] = {
    {"{}", NULL, "{\"index.refresh_interval\":\"-1\",\"index.number_of_replicas\":0}",
     "{\"index.refresh_interval\":null,\"index.number_of_replicas\":null}", false, false},
    {"{\"index.refresh_interval\":\"30s\",\"index.number_of_replicas\":\"2\",\"index.codec\":"
     "\"best\"}",
     "{\"index.number_of_replicas\":\"5\"}",
     "{\"index.refresh_interval\":\"-1\",\"index.number_of_replicas\":0}",
     "{\"index.refresh_interval\":\"30s\",\"index.number_of_replicas\":\"2\"}", false, false},
    {"{}", "{\"index.number_of_replicas\":\"5\"}",
     "{\"index.refresh_interval\":\"-1\",\"index.number_of_replicas\":0,\"index.translog."
     "durability\":\"async\"}",
     "{\"index.refresh_interval\":null,\"index.number_of_replicas\":\"5\",\"index.translog."
     "durability\":null}",
     true, true},
    {"{\"index.auto_expand_replicas\":\"0-1\"}", NULL,
     "{\"index.refresh_interval\":\"-1\",\"index.number_of_replicas\":0,\"index.auto_expand_"
     "replicas\":\"false\"}",
     "{\"index.refresh_interval\":null,\"index.number_of_replicas\":null,\"index.auto_expand_"
     "replicas\":\"0-1\"}",
     false, false},
    {"{\"index.auto_expand_replicas\":\"false\"}", NULL,
     "{\"index.refresh_interval\":\"-1\",\"index.number_of_replicas\":0}",
     "{\"index.refresh_interval\":null,\"index.number_of_replicas\":null}", false, false},
};

START_TEST(what_loading_replaces_comes_back)
{
    json_t *flat = parse(tunings[_i].flat);
    json_t *otherwise = tunings[_i].otherwise != NULL ? parse(tunings[_i].otherwise) : NULL;
    json_t *loading = settings_for_loading(flat, tunings[_i].is_async);
    json_t *restored = settings_to_restore(loading, flat, otherwise);
    ck_assert_int_eq(settings_need_flush(restored), tunings[_i].needs_flush);
    assert_equal(loading, tunings[_i].loading);
    assert_equal(restored, tunings[_i].restored);
    json_decref(flat);
    json_decref(otherwise);
}
END_TEST

START_TEST(a_copy_has_nothing_that_is_the_cluster_s_own)
{
    json_t *flat = parse(
        "{\"index.uuid\":\"U\",\"index.creation_date\":\"1\",\"index.provided_name\":\"i\","
        "\"index.version.created\":\"8\",\"index.blocks.write\":\"true\",\"archived.index.x\":1,"
        "\"index.resize.source.name\":\"j\",\"index.number_of_shards\":\"18\","
        "\"index.uuid_field\":\"kept\",\"index.analysis.filter.a.type\":\"stop\"}");
    assert_equal(settings_to_copy(flat),
                 "{\"index.number_of_shards\":\"18\",\"index.uuid_field\":\"kept\","
                 "\"index.analysis.filter.a.type\":\"stop\"}");
    json_decref(flat);
}
END_TEST

UNIT_MAIN("index/settings", UNIT_EACH(all_spellings_become_one, spellings),
          UNIT_EACH(what_loading_replaces_comes_back, tunings),
          UNIT_TEST(a_copy_has_nothing_that_is_the_cluster_s_own))
