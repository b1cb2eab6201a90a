"""Where options come from, which one counts, and what is said of those that can't be."""

import re

import pytest

from jobs import CONFIG, FINISHED, NOWHERE, USAGE, all_in, ledger
from refused import assert_untouched, changed, refuse


def rows_of(job, options, env):
    result = job.run("--dry-run", *options, env=env)
    assert result.returncode == FINISHED, result.stderr
    return int(re.search(r"first window: (\d+) rows", result.stdout)[1])


@pytest.mark.parametrize("config, env, options, expected", [
    ("", {}, [], 100),
    ("window-rows = 30", {}, [], 30),
    ("window-rows = 30", {"BOBBIN_WINDOW_ROWS": "40"}, [], 40),
    ("window-rows = 30", {"BOBBIN_WINDOW_ROWS": "40"}, ["--window-rows", 50], 50),
    ("window-rows = 30", {}, ["--window-rows", 50], 50),
    ("", {"BOBBIN_WINDOW_ROWS": "40"}, [], 40),
    ("", {"BOBBIN_WINDOW_ROWS": ""}, [], 100),
    ("; a comment\n[source]\nwindow-rows=30\n\n[sink]\nin-flight = 3\n", {}, [], 30),
])
def test_the_command_line_counts_before_the_environment_before_the_file(
        make_job, database, tmp_path, config, env, options, expected):
    job = make_job(database.make_numbers(100))
    path = tmp_path / "bobbin.conf"
    path.write_text(config)
    assert rows_of(job, ["--config", path, *options], env) == expected
    assert rows_of(job, options, {"BOBBIN_CONFIG": str(path), **env}) == expected


def test_all_options_may_stand_in_the_file(elasticsearch, make_job, database, tmp_path):
    job = make_job(database.make_numbers(9), elasticsearch)
    path = tmp_path / "bobbin.conf"
    path.write_text(f"[source]\ndsn = {database.conninfo}\ntable = {job.source[1]}\nto = 5\n"
                    f"[target]\nurl = {NOWHERE}\nurl = {elasticsearch.url}\nindex = {job.index}\n"
                    f"[spool]\nspool = {job.spool}\nkeep = yes\n")
    result = job.bobbin.run(["run", "--config", path])
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(5)), result.stderr
    assert job.spooled_ids() == ["1", "2", "3", "4", "5"]
    assert job.bobbin.run(["status", "--config", path]).returncode == FINISHED


def test_all_options_may_stand_in_the_environment(elasticsearch, make_job, database):
    job = make_job(database.make_numbers(9), elasticsearch)
    result = job.bobbin.run(["run"], env={
        "BOBBIN_DSN": database.conninfo, "BOBBIN_TABLE": job.source[1], "BOBBIN_INDEX": job.index,
        "BOBBIN_URL": f"{NOWHERE}, {elasticsearch.url}", "BOBBIN_SPOOL": str(job.spool)})
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(9)), result.stderr


def test_libpqs_own_ways_to_a_server_work(make_job, database, postgres, tmp_path):
    job = make_job(database.make_numbers(9))
    words = job.arguments("dump")
    del words[words.index("--dsn"):words.index("--dsn") + 2]
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"127.0.0.1:{postgres.port}:tests:bobbin:bobbin\n")
    passwords.chmod(0o600)
    services = tmp_path / "services"
    services.write_text(f"[rows]\nhost=127.0.0.1\nport={postgres.port}\ndbname=tests\nuser=bobbin\n")
    for env, options in (
            ({"PGHOST": "127.0.0.1", "PGPORT": str(postgres.port), "PGDATABASE": "tests",
              "PGUSER": "bobbin", "PGPASSWORD": "bobbin"}, []),
            ({"PGPASSFILE": str(passwords)},
             ["--dsn", f"postgresql://bobbin@127.0.0.1:{postgres.port}/tests"]),
            ({"PGSERVICEFILE": str(services), "PGPASSWORD": "bobbin"}, ["--dsn", "service=rows"])):
        result = job.bobbin.run([*words, *options, "--dry-run"], env=env)
        assert result.returncode == FINISHED, result.stderr


# -- help ------------------------------------------------------------------------------------------


def listed(text):
    """The commands that a usage lists."""
    return re.findall(r"(?m)^  ([a-z]+(?: [a-z][a-z-]*)?)  ", text)


@pytest.mark.parametrize("group", ["index", "job", "dead"])
def test_a_group_of_commands_lists_its_own(bobbin, group):
    everything = bobbin.run(["--help"])
    asked, unasked, unknown = (bobbin.run([group, *more]) for more in (["--help"], [], ["colour"]))
    assert [done.returncode for done in (everything, asked, unasked, unknown)] == [FINISHED, FINISHED, USAGE, USAGE]
    own = [name for name in listed(everything.stdout) if name.startswith(f"{group} ")]
    assert len(own) >= 4
    assert listed(asked.stdout) == listed(unasked.stderr) == listed(unknown.stderr) == own
    assert f"{group} what?" in unasked.stderr and f'no command "{group} colour"' in unknown.stderr


# -- what can't be -----------------------------------------------------------------------------------

OPTIONS = {
    "unknown": ({"colour": "red"}, USAGE, ["--colour", "--help"]),
    "window-rows 0": ({"window_rows": "0"}, USAGE, ["--window-rows", "0"]),
    "window-rows text": ({"window_rows": "many"}, USAGE, ["--window-rows", "many", "whole number"]),
    "jobs 0": ({"jobs": "0"}, USAGE, ["--jobs"]),
    "jobs 65": ({"jobs": "65"}, USAGE, ["--jobs", "64"]),
    "jobs negative": ({"jobs": "-1"}, USAGE, ["--jobs", "-1"]),
    "level 20": ({"level": "20"}, USAGE, ["--level", "19"]),
    "in-flight 0": ({"in_flight": "0"}, USAGE, ["--in-flight"]),
    "frame-size": ({"frame_size": "4X"}, USAGE, ["--frame-size", "4X", "64M"]),
    "frame-size too small": ({"frame_size": "1"}, USAGE, ["--frame-size"]),
    "spool-max overflow": ({"spool_max": "99999999999999999999"}, USAGE, ["--spool-max"]),
    "give-up-after": ({"give_up_after": "soon"}, USAGE, ["--give-up-after", "soon", "10m"]),
    "snapshot": ({"snapshot": "none"}, USAGE, ["--snapshot", "none", "window|dump"]),
    "op": ({"op": "upsert"}, USAGE, ["--op", "upsert", "index|create|update|delete"]),
    "nulls": ({"nulls": ""}, USAGE, ["--nulls"]),
    "url": ({"url": "localhost:9200"}, USAGE, ["--url", "localhost:9200", "http://"]),
    "no url": ({"url": None}, USAGE, ["--url"]),
    "no index": ({"index": None}, USAGE, ["--index"]),
    "no spool": ({"spool": None}, USAGE, ["--spool"]),
    "no query": ({"table": None}, USAGE, ["--table", "--query"]),
    "table and query without a place for it": ({"query": "/dev/null"}, USAGE, ["--table", "--query", "{table}"]),
    "empty index": ({"index": ""}, USAGE, ["--index"]),
    "no such query": ({"table": None, "query": "none.sql"}, CONFIG, ["none.sql"]),
    "no such config": ({"config": "none.conf"}, CONFIG, ["none.conf"]),
    "no such CA": ({"ca": "none.pem"}, CONFIG, ["none.pem"]),
    "no such password": ({"password_file": "none.txt"}, CONFIG, ["none.txt"]),
    "header": ({"header": "no colon"}, CONFIG, ["header"]),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_that_can_not_be_is_told_of(victim, bobbin, name):
    options, code, words = OPTIONS[name]
    refuse(bobbin.run(changed(victim, **options)), code, *words)
    assert_untouched(victim)


@pytest.mark.parametrize("words, told", [
    (["--jobs"], ["--jobs"]),
    (["extra"], ['"extra"']),
    (["--frame", "3"], ["--frame", "this command"]),
    (["--password", "x"], ["--password"]),
    (["--password=x"], ["--password"]),
    (["-x"], ["-x"]),
])
def test_words_that_do_not_belong_there_are_told_of(victim, words, told):
    refuse(victim.run(*words), USAGE, *told)
    assert_untouched(victim)


@pytest.mark.parametrize("text, code, words", [
    ("colour = red\n", CONFIG, ["colour"]),
    ("jobs = many\n", USAGE, ["jobs", "many"]),
    ("jobs\n", CONFIG, ["line 1"]),
    ("[section\njobs = 1\n", CONFIG, ["line 1"]),
])
def test_a_config_file_that_is_wrong_is_told_of(victim, tmp_path, text, code, words):
    path = tmp_path / "wrong.conf"
    path.write_text(text)
    refuse(victim.run("--config", path), code, str(path), *words)
    assert_untouched(victim)


def test_a_variable_that_is_wrong_is_told_of(victim):
    refuse(victim.run(env={"BOBBIN_JOBS": "many"}), USAGE, "jobs", "many")
    assert_untouched(victim)


@pytest.mark.parametrize("words", [[], ["fly"], ["--colour"]])
def test_without_a_command_it_says_which_there_are(bobbin, words):
    result = bobbin.run(words)
    assert result.returncode == USAGE
    assert result.stdout == "" and "usage: bobbin COMMAND" in result.stderr
