"""bobbin load: NDJSON from a file or standard input, through the same spool and replay."""

import hashlib
import json
import os
import shlex
import subprocess

import pytest

from jobs import (CONFIG, DEAD_LETTERS, FINISHED, KILLED, NO_MAPPING, NUMBERS_ONLY, STOPPED, USAGE, Job,
                  Ledger, all_in, crash_points, ledger, numbers, wait_for)

ROWS = 500
IN_FLIGHT = 8
SMALL = ["--frame-size", "4K", "--segment-size", "8K", "--in-flight", IN_FLIGHT]
BAD_INPUT = DEAD_LETTERS  # one exit status for both
POINTS = crash_points(but=("dead-", "letters-", "refresh-", "repair-"))


class Load(Job):
    """A job of the lines of PATH."""

    def __init__(self, bobbin, path, spool, index, engine, url=None):
        super().__init__(bobbin, None, "", spool, index, engine, url)
        self.path = path

    def arguments(self, stage, *options):
        if stage != "load":
            return super().arguments(stage, *options)
        return ["load", self.path, "--spool", self.spool, "--index", self.index, "--url", self.url, *options]

    def run(self, *options, stage="load", **more):
        return super().run(*options, stage=stage, **more)

    def start(self, *options, stage="load", **more):
        return super().start(*options, stage=stage, **more)

    def pipe(self, command, *options):
        """A shell that lets COMMAND write into bobbin's standard input."""
        words = [self.bobbin.path, *self.arguments("load", *options)]
        words[words.index(self.path)] = "-"
        return self.bobbin.start_shell(f"{command} | {shlex.join(map(str, words))}")


@pytest.fixture
def make_load(bobbin, tmp_path):
    """make_load(lines, engine): a job that loads a file with these lines into an index of its own."""
    jobs = []

    def make(lines, engine, body=NO_MAPPING, url=None):
        number = next(numbers)
        path = tmp_path / f"{number}.ndjson"
        path.write_bytes("".join(f"{line}\n" for line in lines).encode())
        job = Load(bobbin, path, tmp_path / f"spool-{number}", f"index-{number}", engine, url)
        engine.create_index(job.index, body)
        jobs.append(job)
        return job

    yield make
    for job in jobs:
        job.engine.delete_index(job.index)


def document(number):
    noise = hashlib.shake_256(b"%d" % number).hexdigest(number % 400)
    return {"id": number, "body": f"a text of row {number} é \\ \" \n" + noise}


def hit(number):
    return json.dumps({"_index": "old", "_id": str(number), "_score": 1, "_source": document(number)})


def expected(count=ROWS):
    return {str(number): document(number) for number in range(1, count + 1)}


def hits(count=ROWS):
    return [hit(number) for number in range(1, count + 1)]


def bulk(count=ROWS):
    return [line for number in range(1, count + 1)
            for line in (json.dumps({"index": {"_id": str(number)}}), json.dumps(document(number)))]


def documents(count=ROWS):
    return [json.dumps(document(number)) for number in range(1, count + 1)]


FORMS = {"hits": (hits, []), "bulk": (bulk, []), "documents": (documents, ["--id", "id"])}


def assert_all_in(job, result, count=ROWS):
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(count)), result.stderr
    assert job.documents() == expected(count)
    assert job.segments() == []


# -- what can be loaded ----------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_found_out_and_loaded(engine, make_load, form):
    lines, options = FORMS[form]
    job = make_load(lines(), engine)
    assert_all_in(job, job.run(*SMALL, *options))
    assert job.look("status")["state"] == "finished"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("packer", ["gzip", "zstd", "cat"])
def test_packed_files_and_pipes_are_loaded_too(server, make_load, form, packer):
    lines, options = FORMS[form]
    job = make_load(lines(), server)
    plain = job.path
    job.path = plain.with_suffix(".packed")
    job.path.write_bytes(subprocess.run([packer], stdin=plain.open("rb"), capture_output=True,
                                        check=True).stdout)
    assert_all_in(job, job.run(*SMALL, *options))
    assert server.writes(expected()) == 1
    process = job.pipe(f"{packer} < {plain}", *SMALL, *options, "--spool", f"{job.spool}-2")
    assert job.finish(process) == FINISHED, process.stderr_text()
    assert server.writes(expected()) == 2


def test_a_search_answer_may_be_piped_in(elasticsearch, make_load):
    """As elasticdump writes it, with what a hit has besides; the routing is kept."""
    job = make_load(['{"_index":"a","_type":"_doc","_id":"1","_score":0.5,"_routing":"r","_source":{"n":1},'
                     '"sort":[1],"fields":{"n":[1]}}'], elasticsearch)
    assert job.run().returncode == FINISHED
    elasticsearch.refresh(job.index)
    hits = elasticsearch.must("GET", f"{job.index}/_search")["hits"]["hits"]
    assert [(hit["_id"], hit["_routing"], hit["_source"]) for hit in hits] == [("1", "r", {"n": 1})]


def test_every_action_of_a_bulk_file_is_done(elasticsearch, make_load):
    lines = ['{"index":{"_id":"1"}}', '{"n":1}', '{"create":{"_id":2,"_type":"_doc"}}', '{"n":2}',
             '{"index":{"_id":"3","version":7,"version_type":"external"}}', '{"n":3}', '',
             '{"update":{"_id":"1"}}', '{"doc":{"m":1}}', '{"delete":{"_id":"2"}}']
    job = make_load(lines, elasticsearch)
    assert job.run("--in-flight", 1).returncode == FINISHED
    assert job.documents() == {"1": {"n": 1, "m": 1}, "3": {"n": 3}}


def test_documents_may_be_updates(elasticsearch, make_load):
    job = make_load(['{"id":"a","n":1}', '{"id":"a","m":2}'], elasticsearch)
    assert job.run("--id", "id", "--op", "update").returncode == FINISHED
    assert job.documents() == {"a": {"id": "a", "n": 1, "m": 2}}


def test_an_empty_file_is_a_finished_job(server, make_load):
    job = make_load(["", "  "], server)
    assert_all_in(job, job.run(), 0)


def test_lines_that_are_no_documents_are_dead_letters(elasticsearch, make_load):
    """Those that can't be sent, and one that the cluster refuses, each with its line."""
    lines = hits(20)
    lines[4] = "no JSON"
    lines[8] = '{"_id":"9"}'
    lines[12] = '{"_id":"13","_source":{"mark":"a word"}}'
    job = make_load(lines, elasticsearch, NUMBERS_ONLY)
    result = job.run()
    assert (result.returncode, ledger(result.stdout)) == (DEAD_LETTERS, Ledger(20, 17, 3, 0)), result.stderr
    errors = {(letter.get("id"), letter["error"]["type"], letter["error"].get("column"))
              for letter in job.dead_letters()}
    assert {error[:2] for error in errors} == {
        (None, "bobbin_encode"), ("9", "bobbin_encode"), ("13", "document_parsing_exception")}
    assert {key for key in expected(20) if key not in ("5", "9", "13")} == set(job.documents())


def test_dead_letters_of_a_file_are_sent_again(server, make_load):
    """Those that the cluster refused; a line that is no document stays a letter."""
    lines = hits(20)
    lines[4] = "no JSON"
    job = make_load(lines, server)
    server.follow("when bulk do documents 7,9 400 mapper_parsing_exception")
    assert ledger(job.run().stdout) == Ledger(20, 17, 3, 0)
    server.follow()
    result = job.run(stage="dead retry")
    assert (result.returncode, ledger(result.stdout)) == (DEAD_LETTERS, Ledger(20, 19, 1, 0)), result.stderr
    assert set(expected(20)) - {"5"} == set(job.documents())
    assert job.look("dead list")["letters"][0]["error"]["reason"] == "it is not one JSON object"


# -- killed, cut, changed --------------------------------------------------------------------------


@pytest.mark.parametrize("packer", [None, "zstd"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_named_point_it_goes_on_where_it_was(elasticsearch, make_load, make_proxy, point, packer):
    proxy = make_proxy(elasticsearch)
    job = make_load(hits(), elasticsearch, url=proxy.url)
    if packer:
        subprocess.run([packer, "-q", "--rm", job.path], check=True)
        job.path = job.path.with_suffix(".ndjson.zst")
    for passage in (1, 2):
        result = job.run(*SMALL, env={"BOBBIN_CRASH_AT": f"{point}:{passage}"})
        assert result.returncode == KILLED, result.stderr
    assert_all_in(job, job.run(*SMALL))
    assert proxy.sent_again() <= 2 * IN_FLIGHT


def test_a_damaged_frame_is_read_from_the_file_again(server, make_load):
    job = make_load(bulk(), server)
    server.follow("when bulk do status 503")
    assert job.run(*SMALL, "--give-up-after", "1s").returncode == STOPPED
    server.follow()
    segment = job.segments()[0]
    with segment.open("r+b") as file:
        file.seek(segment.stat().st_size // 2)
        file.write(b"damage")
    result = job.run(*SMALL)
    assert "are to be dumped again" in result.stderr
    assert_all_in(job, result)
    assert server.writes(expected()) == 1


def test_a_lost_index_is_made_anew_and_the_rest_is_read(server, make_load):
    job = make_load(hits(), server)
    assert job.run(*SMALL, env={"BOBBIN_CRASH_AT": "index-committed:4"}).returncode == KILLED
    (job.spool / "index.mdb").unlink()
    rebuilt = job.bobbin.run(["verify", "--rebuild", job.spool])
    assert rebuilt.returncode == FINISHED, rebuilt.stderr
    assert_all_in(job, job.run(*SMALL))


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_a_packed_file_that_was_cut_is_named_and_what_it_has_is_sent(server, make_load, name):
    job = make_load(hits(), server)
    plain = job.path.read_bytes()
    members = [subprocess.run([name, "-c"], input=part, capture_output=True, check=True).stdout
               for part in (plain[:20000], plain[20000:])]
    job.path.write_bytes(members[0] + members[1][:-9])
    result = job.run("--frame-size", "4K")
    assert result.returncode == BAD_INPUT
    assert f"{job.path} ends within its {name}: it was cut" in result.stderr
    rows = ledger(result.stdout).rows
    assert 100 <= rows <= ROWS and ledger(result.stdout) == all_in(rows)
    job.path.write_bytes(members[0] + members[1])
    result = job.run()
    assert result.returncode == BAD_INPUT and "has changed since the job began" in result.stderr
    assert_all_in(job, job.run("--again"))


def unfinished(job):
    """Load with a cluster that is away, and end half way."""
    fifo = job.path.with_suffix(".fifo")
    os.mkfifo(fifo)
    plain, job.path = job.path, fifo
    process = job.start(*SMALL)
    with fifo.open("w") as writer:
        writer.write("".join(f"{hit(number)}\n" for number in range(1, 301)))
        writer.flush()
        wait_for(lambda: job.has_begun() and job.look("status")["acknowledged"] >= 200, "some documents")
        process.terminate()
        assert job.finish(process) == STOPPED, process.stderr_text()
    job.path = plain
    return fifo


def test_a_pipe_can_not_be_gone_on_with(server, make_load):
    """What was read of it is sent; it is begun anew when that is wanted."""
    job = make_load(hits(), server)
    plain = job.path
    job.path = unfinished(job)
    read = job.look("status")["rows_read"]
    assert 200 <= read <= 300
    command = f"cat {plain} > {job.path}"
    feeder = job.bobbin.start_shell(command)
    result = job.run(*SMALL)
    assert result.returncode == BAD_INPUT, result.stderr
    assert "is no file that can be read once more; bobbin replay sends what is spooled, --again begins anew" \
        in result.stderr
    feeder.wait()
    assert job.run(stage="replay").returncode == STOPPED  # the rest isn't read
    assert set(server.documents(job.index)) == set(expected(read))
    job.bobbin.start_shell(command)
    assert_all_in(job, job.run(*SMALL, "--again"))


def test_a_slow_pipe_is_sent_as_it_comes(server, make_load):
    job = make_load([], server)
    job.path = job.path.with_suffix(".fifo")
    os.mkfifo(job.path)
    process = job.start()
    with job.path.open("w") as writer:
        for number in range(1, 4):
            writer.write(hit(number) + "\n")
            writer.flush()
            wait_for(lambda count=number: len(job.documents()) == count, "the line's document")
    assert job.finish(process) == FINISHED, process.stderr_text()
    assert ledger(process.stdout_text()) == all_in(3)


def test_a_finished_load_is_done_again_only_when_asked(server, make_load):
    job = make_load(hits(20), server)
    assert_all_in(job, job.run(), 20)
    assert "finished already" in job.run().stderr
    assert server.writes(expected(20)) == 1
    job.path.write_text("".join(f"{hit(number)}\n" for number in range(1, 31)))
    assert_all_in(job, job.run("--again"), 30)


def test_another_file_is_another_job(server, make_load):
    job = make_load(hits(20), server)
    assert job.run().returncode == FINISHED
    job.path = job.path.rename(job.path.with_suffix(".other"))
    result = job.run()
    assert result.returncode == CONFIG and "another job" in result.stderr


# -- what can't be loaded --------------------------------------------------------------------------

REFUSED = {
    "no file": (None, [], CONFIG, "can't be read"),
    "no id": (['{"a":1}'], [], BAD_INPUT, "name the field that holds their id: --id FIELD"),
    "no JSON": (["<html>"], [], BAD_INPUT, "its first line is neither an action of a bulk request nor a hit"),
    "two ids": ([], ["--id", "a", "--format", "hits"], USAGE, "--id is for documents"),
    "no field": ([], ["--format", "documents"], USAGE, "--id FIELD"),
    "no form": ([], ["--format", "csv"], USAGE, "auto|documents|hits|bulk"),
    "a query": ([], ["--table", "t"], USAGE, "--table does not belong to this command"),
    "two files": ([], ["other"], USAGE, "unexpected argument"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_not_be_loaded_is_one_clear_line_and_nothing_is_written(server, make_load, case):
    lines, options, code, words = REFUSED[case]
    job = make_load(lines or [], server)
    if lines is None:
        job.path.unlink()
    result = job.run(*options)
    assert (result.returncode, result.stdout) == (code, "")
    assert words in result.stderr and len(result.stderr.splitlines()) == 1
    assert not job.spool.exists()
    assert server.requests("bulk") == []


def test_a_dry_run_shows_the_plan_and_the_first_documents(server, make_load):
    job = make_load(hits(), server)
    result = job.run("--dry-run")
    assert result.returncode == FINISHED
    lines = result.stdout.splitlines()
    assert lines[:2] == [f"input:     {job.path}, plain", f"lines:     hits, about {ROWS}"]
    assert [json.loads(line) for line in lines[-2:]] == [{"index": {"_id": "3"}}, document(3)]
    assert not job.spool.exists() and server.requests() == []
