/* test_jobs.c: a job's document is written once, holds what workers must agree on, and can be cancelled and deleted. */
#include "fleet/jobs.h"

#include "config.h"
#include "stored.h"

static struct fleet_job *found;
static struct error err;

static void tear_down(void)
{
    fleet_free_job(found);
    found = NULL;
    stored_tear_down();
}

static const struct {
    const char *name;
    bool is_good;
} names[] = {
    {"images", true}, {"a", true},    {"9.b-c_D", true},   {NULL, false},
    {"", false},      {"a b", false}, {"a:3", false},      {"../x", false},
    {".", false},     {"-x", false},  {"\xc3\xa9", false}, {"a/b", false},
};

START_TEST(a_name_is_fit_for_ids_and_directories)
{
    if (names[_i].is_good)
        unit_assert_ok(fleet_check_name(names[_i].name, &err), err);
    else
        unit_assert_error(fleet_check_name(names[_i].name, &err), err, ERROR_USAGE, "job");
}
END_TEST

START_TEST(who_comes_second_finds_the_first_ones_plan)
{
    struct plan *plan = stored_plan(2);
    unit_assert_ok(fleet_make_job(stored_store, "images", &stored_options, plan, &found, &err),
                   err);
    plan_free(plan);
    ck_assert_str_eq(found->id, stored_job->id);
    ck_assert_uint_eq(plan_count(found->plan), STORED_SHARDS);
    unit_assert_ok(fleet_check_job(found, &stored_options, &err), err);
    unit_assert_ok(fleet_check_version(found, &err), err);
}
END_TEST

START_TEST(a_job_that_is_not_there_is_none)
{
    unit_assert_ok(fleet_get_job(stored_store, "other", &found, &err), err);
    ck_assert_ptr_null(found);
    unit_assert_error(fleet_need_job(stored_store, "other", &found, &err), err, ERROR_CONFIG,
                      "there is no job other in memory: bobbin plan other makes it");
}
END_TEST

static const char *const damages[] = {"kind",  "format", "id",       "version",
                                      "index", "state",  "settings", "plan"};

START_TEST(a_document_that_lacks_anything_is_refused)
{
    json_object_set_new(stored.documents[stored_find("images")].body, damages[_i], json_null());
    unit_assert_error(fleet_get_job(stored_store, "images", &found, &err), err, ERROR_CONFIG,
                      "is no job's");
}
END_TEST

START_TEST(another_query_index_or_setting_is_refused)
{
    static const char *const what[] = {"query or key", "query or key", "index",
                                       "--op",         "--op",         "--op"};
    switch (_i) {
    case 0:
        stored_options.table = "u";
        break;
    case 1:
        stored_options.key = "k";
        break;
    case 2:
        stored_options.index = "other";
        break;
    case 3:
        stored_options.op = 1;
        break;
    case 4:
        stored_options.keeps_nulls = 1;
        break;
    default:
        stored_options.pipeline = "p";
        break;
    }
    unit_assert_error(fleet_check_job(stored_job, &stored_options, &err), err, ERROR_CONFIG,
                      what[_i]);
}
END_TEST

START_TEST(another_version_is_refused)
{
    json_object_set_new(stored_job->body, "version", json_string("0.0.1"));
    unit_assert_error(fleet_check_version(stored_job, &err), err, ERROR_CONFIG,
                      "planned by bobbin 0.0.1");
}
END_TEST

START_TEST(an_open_job_is_open_until_it_is_cancelled)
{
    unit_assert_ok(fleet_is_open(stored_store, stored_job, &err), err);
    for (int i = 0; i < 2; i++)
        unit_assert_ok(fleet_cancel_job(stored_store, stored_job, &err), err);
    unit_assert_error(fleet_is_open(stored_store, stored_job, &err), err, ERROR_CONFIG,
                      "was cancelled");
    unit_assert_ok(fleet_get_job(stored_store, "images", &found, &err), err);
    ck_assert(fleet_is_cancelled(found) && !fleet_is_cancelled(stored_job));
}
END_TEST

static void make_again(void)
{
    struct plan *plan = stored_plan(2);
    unit_assert_ok(fleet_make_job(stored_store, "images", &stored_options, plan, &found, &err),
                   err);
    plan_free(plan);
}

START_TEST(a_deleted_job_is_no_more_also_when_it_was_planned_anew)
{
    struct shard shard = stored_shard(1);
    bool is_done;
    shard.state = SHARD_DONE;
    unit_assert_ok(fleet_put_shard(stored_store, stored_job, &shard, &is_done, &err), err);
    shard_free(&shard);
    unit_assert_ok(fleet_delete_job(stored_store, stored_job, &err), err);
    unit_assert_error(fleet_is_open(stored_store, stored_job, &err), err, ERROR_CONFIG,
                      "no longer in memory");
    unit_assert_error(fleet_cancel_job(stored_store, stored_job, &err), err, ERROR_CONFIG,
                      "is gone");
    shard = stored_shard(1);
    ck_assert_int_eq(shard.state, SHARD_FREE);
    make_again();
    ck_assert_str_ne(found->id, stored_job->id);
    unit_assert_error(fleet_is_open(stored_store, stored_job, &err), err, ERROR_CONFIG,
                      "planned anew");
    unit_assert_ok(fleet_is_open(stored_store, found, &err), err);
}
END_TEST

UNIT_MAIN_WITH("fleet/jobs", stored_set_up, tear_down,
               UNIT_EACH(a_name_is_fit_for_ids_and_directories, names),
               UNIT_TEST(who_comes_second_finds_the_first_ones_plan),
               UNIT_TEST(a_job_that_is_not_there_is_none),
               UNIT_EACH(a_document_that_lacks_anything_is_refused, damages),
               UNIT_LOOP(another_query_index_or_setting_is_refused, 6),
               UNIT_TEST(another_version_is_refused),
               UNIT_TEST(an_open_job_is_open_until_it_is_cancelled),
               UNIT_TEST(a_deleted_job_is_no_more_also_when_it_was_planned_anew))
