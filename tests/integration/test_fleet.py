"""Several workers do one job: whoever dies, sleeps or is cut off, exactly the query's documents are in the index in the
end, and little is sent twice."""

import functools
import json
import random
import signal
import time
from collections import Counter

import pytest

from fleet import QUICK, SLOW, SMALL, WRONG_CLOCK, Crew, end, is_refused, kill_parent
from jobs import CONFIG, DEAD_LETTERS, DENIED, FINISHED, NO_MAPPING, NUMBERS_ONLY, STOPPED, operations, wait_for
from proxy import Proxy

ROWS, HALF = 600, 300  # half of the rows are before the gate
LONG = "16s"           # a lease that nobody waits for the end of


class Door(Proxy):
    """In front of a search engine; the store's part of it can be shut."""

    def __init__(self, engine):
        super().__init__(engine.url)
        self.is_shut = False

    def check(self, method, path, headers, body):
        return (503, b"{}") if self.is_shut and path.startswith("/bobbin-jobs") else None

    def sent(self):
        """How often each document was sent."""
        return Counter(metadata["_id"] for request in self.requests for metadata, _ in operations(request.body))


@pytest.fixture
def door(elasticsearch):
    door = Door(elasticsearch)
    yield door
    door.close()


@pytest.fixture(params=["cluster", "postgres"])
def meeting(request, database):
    """Where the workers meet: --coordinator."""
    return database.conninfo if request.param == "postgres" else None


@pytest.fixture
def make_crew_on(bobbin, database, tmp_path):
    """make_crew_on(engine, query): whose index is there, and goes with its workers when the test is done."""
    crews = []

    def make(engine, query, coordinator=None, url=None, body=NO_MAPPING):
        crew = Crew(bobbin, database, engine, tmp_path, query, coordinator, url)
        engine.create_index(crew.index, body)
        crews.append(crew)
        return crew

    yield make
    for crew in crews:
        for worker in crew.workers:
            end(worker, signal.SIGKILL)
        crew.engine.delete_index(f"{crew.index},bobbin-jobs")


@pytest.fixture
def make_crew(make_crew_on, elasticsearch):
    return functools.partial(make_crew_on, elasticsearch)


@pytest.fixture
def halfway(make_crew, database, gate, door):
    """A crew whose only shard is held by a worker that waits at the gate, half of the rows acknowledged."""
    gate.shut()
    table = database.make_numbers(ROWS)

    def make(coordinator=None, lease=QUICK, body=NO_MAPPING):
        crew = make_crew(f"SELECT id, body FROM {table} WHERE gate(id = {HALF + 25})", coordinator, door.url, body)
        crew.plan(1)
        worker = crew.start(lease=lease)
        crew.wait_for_checkpoint(HALF - 50)
        return crew, worker

    return make


# --- faults, all at once ---

def test_workers_are_killed_at_random_and_their_clocks_are_wrong(make_crew, database, door):
    shards, rows, deaths = 16, 5600, 6
    database.execute(SLOW)
    table = database.make_numbers(rows)
    crew = make_crew(f"SELECT id, body FROM {table} WHERE slowly(0.002)", url=door.url)
    crew.plan(shards)
    chance = random.Random(6)
    workers = [crew.start(env=WRONG_CLOCK if i % 2 else None) for i in range(4)]
    for death in range(deaths):
        victim = workers[chance.randrange(len(workers))]
        time.sleep(chance.uniform(0.3, 0.7))  # any moment will do
        end(victim, signal.SIGKILL)
        workers.remove(victim)
        workers.append(crew.start(env=WRONG_CLOCK if death % 2 else None))
    for worker in workers:
        crew.finish(worker)
    documents = crew.documents()
    assert documents == crew.expected()
    shown = crew.show()
    assert [shard["state"] for shard in shown["shards"]] == ["done"] * shards
    assert shown["acknowledged"] == rows
    taken_over = sum(shard["epoch"] - 1 for shard in shown["shards"])
    assert taken_over > 0  # more than died, when the machine is so busy that a beat is late
    # For each death a beat's worth and what was in flight: together less than half a shard, as the machine may be busy.
    again = sum(times - 1 for times in door.sent().values())
    assert again <= taken_over * rows / shards / 2


def test_64_workers_race_for_16_shards(make_crew, database):
    crew = make_crew(f"SELECT id, body FROM {database.make_numbers(3200)}")
    crew.plan(16)
    for worker in [crew.start(lease="60s") for _ in range(64)]:
        crew.finish(worker, seconds=120)
    crew.assert_complete()
    assert [shard["epoch"] for shard in crew.shards()] == [1] * 16


def test_with_each_search_engine(make_crew_on, database, engine):
    database.execute(SLOW)
    table = database.make_numbers(800)
    crew = make_crew_on(engine, f"SELECT id, body FROM {table} WHERE slowly(0.002)")
    crew.plan(4)
    workers = [crew.start() for _ in range(3)]
    wait_for(lambda: crew.show()["shards_held"] > 2, "shards that are held")
    end(workers.pop(), signal.SIGKILL)
    for worker in workers:
        crew.finish(worker)
    crew.assert_complete()
    assert sum(shard["epoch"] for shard in crew.shards()) >= 4  # it may just have had none
    listed = json.loads(crew.job("list", "--json").stdout)
    assert [job["rows"] for job in listed] == [800]


# --- one fault each ---

def test_the_next_worker_goes_on_at_the_checkpoint(halfway, meeting, gate, door):
    crew, worker = halfway(meeting)
    checkpoint = crew.checkpoint()
    kill_parent(worker)
    gate.open()
    crew.finish(crew.start(env=WRONG_CLOCK))
    crew.assert_complete()
    assert crew.shards()[0]["epoch"] == 2
    assert [number for number, times in door.sent().items() if times > 1 and int(number) < checkpoint] == []


@pytest.mark.sanitizers
def test_a_worker_that_slept_past_its_lease_finds_that_another_has_the_shard(halfway, gate, door):
    crew, sleeper = halfway()
    end(sleeper, signal.SIGSTOP)
    gate.open()  # the rows wait in its socket
    crew.finish(crew.start())
    requests = len(door.requests)
    end(sleeper, signal.SIGCONT)
    crew.finish(sleeper)
    assert "stood still" in sleeper.stderr_text() and "another worker has it" in sleeper.stderr_text()
    assert len(door.requests) == requests  # it sent nothing more
    crew.assert_complete()


def test_a_worker_that_slept_alone_goes_on(halfway, gate):
    crew, sleeper = halfway()
    end(sleeper, signal.SIGSTOP)
    time.sleep(1.5)  # longer than its lease
    gate.open()
    end(sleeper, signal.SIGCONT)
    crew.finish(sleeper)
    crew.assert_complete()
    assert crew.shards()[0]["epoch"] == 1


def test_a_stopped_worker_hands_its_shard_back_at_once(halfway, meeting, gate, door):
    crew, worker = halfway(meeting, lease=LONG)
    if meeting:
        worker.terminate()  # it tells its child
    else:
        end(worker, signal.SIGTERM)
    gate.open()
    crew.finish(worker, STOPPED)
    assert crew.shards()[0]["state"] == "free" and crew.checkpoint() > HALF - 50
    crew.finish(crew.start(lease=LONG))
    crew.assert_complete()
    assert max(door.sent().values()) == 1


@pytest.mark.parametrize("lease", ["1s", "30s"])  # the load ends after many beats, or before the next
def test_a_store_that_gives_no_answer_does_not_stop_the_load(halfway, gate, door, lease):
    crew, worker = halfway(lease=lease)
    door.is_shut = True
    gate.open()
    wait_for(lambda: len(door.sent()) == ROWS, "all documents")
    wait_for(lambda: "but the store" in worker.stderr_text() or "the load goes on" in worker.stderr_text(), "a warning")
    door.is_shut = False
    crew.finish(worker)
    crew.assert_complete()
    assert max(door.sent().values()) == 1


def test_without_the_store_nothing_is_claimed(make_crew, database, door):
    crew = make_crew(f"SELECT id, body FROM {database.make_numbers(100)}", url=door.url)
    crew.plan(1)
    door.is_shut = True
    result = crew.work()
    assert result.returncode == STOPPED and "503" in result.stderr
    assert door.requests == []


@pytest.mark.parametrize("how", ["cancel", "delete", "by hand"])
def test_a_job_that_is_gone_ends_its_workers(halfway, elasticsearch, gate, how):
    crew, worker = halfway()
    waiting = crew.start()
    wait_for(lambda: "others hold all shards" in waiting.stderr_text(), "a worker that waits")
    if how == "by hand":
        elasticsearch.delete_index("bobbin-jobs")
    else:
        assert crew.job(how).returncode == FINISHED
    for process in (worker, waiting):
        crew.finish(process, CONFIG)
        assert ("was cancelled" if how == "cancel" else "no longer in index bobbin-jobs") in process.stderr_text()
    gate.open()
    if how == "cancel":
        is_refused(crew.work(), "was cancelled")
        for words in ("is forgotten", "is gone already"):
            done = crew.job("delete")
            assert done.returncode == FINISHED and words in done.stderr
    is_refused(crew.work(), f"bobbin plan {crew.name} makes it")
    crew.plan(2)
    assert crew.work().returncode == FINISHED
    crew.assert_complete()


def test_a_shard_that_only_lacks_the_word_done_gets_it(make_crew, database, elasticsearch, door):
    crew = make_crew(f"SELECT id, body FROM {database.make_numbers(200)}", url=door.url)
    end_of_first = crew.plan(2)["shards"][0]["to"]
    assert crew.work().returncode == FINISHED
    for number, key in enumerate([end_of_first, "200"]):  # as if the worker had died there
        elasticsearch.must("POST", f"bobbin-jobs/_update/{crew.name}:{number}",
                           {"doc": {"state": "free", "acked_through": key}})
    assert crew.work().returncode == FINISHED
    crew.assert_complete()
    assert max(door.sent().values()) == 1


# --- planning, and who may work ---

@pytest.mark.sanitizers
def test_two_plan_one_job_at_once_and_have_the_same_plan(make_crew, database, meeting):
    crew = make_crew(f"SELECT id, body FROM {database.make_numbers(1000)}", meeting)
    plans = [crew.bobbin.start(crew.planning(shards)) for shards in (3, 3, 5, 5)]
    assert [plan.wait(60) for plan in plans] == [FINISHED] * 4, [plan.stderr_text() for plan in plans]
    printed = [json.loads(plan.stdout_text()) for plan in plans]
    assert printed == printed[:1] * 4
    assert sum("is made" in plan.stderr_text() for plan in plans) >= 1
    other = crew.directory / "other.sql"
    other.write_text("SELECT 1 AS id")
    is_refused(crew.bobbin.run(crew.planning(3, "--query", other)), "another query or key")
    is_refused(crew.bobbin.run(crew.planning(3, "--index", "other")), "another index")
    is_refused(crew.work("--op", "create"), "another --op, --nulls or --pipeline")
    is_refused(crew.work("--query", other), "another query or key")


def test_one_refresh_runs_one_version(make_crew, database, elasticsearch):
    crew = make_crew(f"SELECT id, body FROM {database.make_numbers(100)}")
    crew.plan(2)
    elasticsearch.must("POST", f"bobbin-jobs/_update/{crew.name}", {"doc": {"version": "0.0.1"}})
    is_refused(crew.work(), "planned by bobbin 0.0.1")
    assert crew.work("--any-version").returncode == FINISHED
    crew.assert_complete()


ASYNC = {**NO_MAPPING, "settings": {**NO_MAPPING["settings"], "translog.durability": "async"}}


def test_an_asynchronous_translog_is_flushed_before_a_checkpoint(halfway, gate, door, elasticsearch):
    """By all of the index's shards: else the checkpoint waits for the next beat."""
    flushes = []

    def fail_first(_method, path, _headers, _body):
        if "_flush" not in path:
            return None
        flushes.append(path)
        return (200, b'{"_shards": {"total": 2, "successful": 1, "failed": 1}}') if len(flushes) == 1 else None

    door.check = fail_first
    crew, worker = halfway(body=ASYNC)
    assert len(flushes) > 1
    gate.open()
    crew.finish(worker)
    assert worker.stderr_text().count("its checkpoint has to wait") == 1, worker.stderr_text()
    crew.assert_complete()


def test_a_worker_that_may_not_flush_an_asynchronous_translog_stops(make_crew, database, door):
    crew = make_crew(f"SELECT id, body FROM {database.make_numbers(100)}", url=door.url, body=ASYNC)
    crew.plan(2)
    denial = b'{"error": {"type": "security_exception", "reason": "unauthorized"}, "status": 403}'
    door.check = lambda method, path, headers, body: (403, denial) if "_flush" in path else None
    result = crew.work()
    assert result.returncode == DENIED and "maintenance" in result.stderr, result.stderr
    assert crew.show()["shards_done"] == 0 and not crew.checkpoint()
    door.check = lambda method, path, headers, body: None
    assert crew.work().returncode == FINISHED
    crew.assert_complete()


# --- dead letters, and looking ---

def test_shards_with_dead_letters_are_done_again_on_demand(make_crew, database, meeting, elasticsearch):
    rows = 400
    table = database.make_marked(rows)
    crew = make_crew(f"SELECT id, mark FROM {table}", meeting, body=NUMBERS_ONLY)
    crew.plan(4)
    result = crew.work()
    assert result.returncode == DEAD_LETTERS and "job retry-dead" in result.stderr
    shown = crew.show()
    assert (shown["acknowledged"], shown["dead"], shown["shards_done"]) == (rows - rows // 50, rows // 50, 4)
    letters = crew.directory.glob(f"place-{crew.name}-*/{crew.name}-*/dead.ndjson")
    assert sum(len(path.read_text().splitlines()) for path in letters) == rows // 50
    database.execute(f"UPDATE {table} SET mark = '1'")
    assert crew.job("retry-dead").returncode == FINISHED
    assert crew.show()["shards_done"] < 4
    assert crew.work().returncode == FINISHED
    assert len(crew.documents()) == rows and crew.show()["dead"] == 0


def test_jobs_can_be_looked_at(halfway, meeting, gate):
    crew, worker = halfway(meeting)
    listed = json.loads(crew.job("list", "--json").stdout)
    assert [(job["index"], job["shards"], job["state"]) for job in listed if job["job"] == crew.name] == [
        (crew.index, 1, "open")]
    shown = crew.job("show").stdout
    assert "0 done, 1 held, of 1" in shown and f":{worker.pid}:" in shown
    watcher = crew.bobbin.start(["job", "watch", crew.name, "--json", *crew.meeting()])
    gate.open()
    crew.finish(worker)
    crew.finish(watcher)
    assert json.loads(watcher.stdout_text().splitlines()[-1])["shards_done"] == 1
    assert f"{ROWS} acknowledged" in crew.job("show").stdout
    assert crew.name in crew.job("list").stdout
