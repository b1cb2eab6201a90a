"""index verify: an index against the query, document by document, without the spool of a job."""

import json

from jobs import DEAD_LETTERS, DIFFERENT, DISK, FINISHED, NO_MAPPING


def verify(job, *options, env=None):
    return job.bobbin.run(["index", "verify", "--url", job.url, *job.reading(), *options], env=env)


def load(job, *options):
    """Into an index that keeps no note of it; its spool is on another machine by now."""
    result = job.run(*options)
    assert result.returncode in (FINISHED, DEAD_LETTERS), result.stderr
    job.spool.rename(job.spool.with_name("elsewhere"))


def change(job, method, path, body=None):
    status, answer = job.engine.request(method, f"{job.index}/{path}", body)
    assert status in (200, 201), answer


def test_each_difference_is_named_and_no_other(engine, make_job, database, tmp_path):
    job = make_job(database.make_numbers(300), engine, NO_MAPPING)
    load(job)
    result = verify(job)
    assert (result.returncode, result.stdout) == (FINISHED, (
        "query 300 documents, index 300: 0 missing, 0 different, 0 extra, 0 undeleted, 0 double, 0 refused\n"))
    change(job, "DELETE", "_doc/4")
    change(job, "PUT", "_doc/5", {"id": 5, "body": "changed"})
    change(job, "PUT", "_doc/stray", {"id": 0})
    result = verify(job)
    assert result.returncode == DIFFERENT and f"index {job.index}: 3 differences" in result.stderr
    *named, summary = result.stdout.splitlines()
    assert sorted(named) == ["different 5", "extra stray", "missing 4"]
    assert summary.startswith("query 300 documents, index 300: 1 missing, 1 different, 1 extra,")
    *named, counts = map(json.loads, verify(job, "--json").stdout.splitlines())
    assert {"difference": "missing", "id": "4"} in named and len(named) == 3
    assert (counts["query"], counts["missing"]) == (300, 1) and "dead" not in counts
    assert verify(job, "--from", 6).returncode == FINISHED  # what is extra may be of another range
    # a config file's spool is another command's
    config = tmp_path / "job.conf"
    config.write_text(f"spool = {tmp_path}/no-spool\nop = index\nnulls = omit\n")
    assert verify(job, "--config", config, "--to", 3).returncode == FINISHED


def test_a_row_that_can_be_no_document_is_told_of(elasticsearch, make_job, database):
    table = database.make_table("id bigint PRIMARY KEY, _id text", "VALUES (1, 'a'), (2, repeat('x', 600))")
    job = make_job(table, elasticsearch, NO_MAPPING)
    load(job)
    result = verify(job)
    assert result.returncode == DEAD_LETTERS
    assert f"index {job.index} lacks 1 rows that can't be documents" in result.stderr


def test_a_directory_for_the_comparison_must_be_there(elasticsearch, make_job, database):
    job = make_job(database.make_numbers(3), elasticsearch, NO_MAPPING)
    load(job)
    result = verify(job, env={"TMPDIR": "/nonexistent"})
    assert result.returncode == DISK
    assert "directory /nonexistent (TMPDIR): it can't be opened: No such file or directory" in result.stderr
