"""Airflow runs the DAGs of packaging/airflow, installed as a package, on a real PostgreSQL and a real search engine.

The workers are processes of Airflow's machine; processes that stand in for the instances of an Auto Scaling group in
moto, one of which is killed; and servers.
"""

import json
import os
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path
from urllib.parse import quote

import psycopg2.extras
import pytest

from conftest import ROOT, run
from flows import PACKAGE, Airflow, Openverse, end_group, of_page
from group import IMAGES, Group, Machines
from compare import equal  # noqa: I001  of the integration tests, as flows says
from engines import DIRECT, Postgres, SearchEngine
from jobs import wait_for
from openverse import BUILDERS, rows_query

TOKEN, CLUSTER_PASSWORD = "t0ken-of-the-servers", "s3cret-of-the-cluster"


@pytest.fixture(scope="module")
def program():
    return Path(os.environ.get("BOBBIN", ROOT / "build/bobbin")).resolve()


@pytest.fixture(scope="module")
def engines():
    """A PostgreSQL and an OpenSearch: the test's Elasticsearch has no reindex."""
    made = [Postgres(), SearchEngine("opensearch")]
    try:
        for engine in made:
            engine.start()
        yield made
    finally:
        for engine in made:
            engine.remove()


@pytest.fixture(scope="module")
def openverse(engines, tmp_path_factory):
    return Openverse(*engines, tmp_path_factory.mktemp("openverse"))


@pytest.fixture(scope="module")
def servers(openverse, program, tmp_path_factory):
    """Two of bobbin serve: address -> process."""
    made, directory = {}, tmp_path_factory.mktemp("serve")
    (directory / "models").mkdir()
    (directory / "token").write_text(TOKEN)
    openverse.write_config("served", "audio", url=openverse.engine.url)
    text = (openverse.directory / "served.conf").read_text()
    (directory / "models/audio.conf").write_text(re.sub(r"(?m)^(table|spool) = .*$", "", text))
    for number in range(2):
        log = directory / f"{number}.log"
        with open(log, "wb") as file:
            process = subprocess.Popen(
                [program, "serve", "--listen", "127.0.0.1:0", "--models", directory / "models", "--state",
                 directory / f"state-{number}", "--token-file", directory / "token"],
                stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd=openverse.directory, start_new_session=True,
                env={**os.environ, "PGPASSWORD": openverse.PASSWORD})
        found = wait_for(lambda log=log: re.search(r"listening on (http://\S+)", log.read_text()), "a server")
        made[found[1]] = process
    yield made
    for process in made.values():
        end_group(process)


@pytest.fixture(scope="module")
def group(tmp_path_factory):
    made = Group(tmp_path_factory.mktemp("cloud"), size=4)
    yield made
    made.close()


AS_HERE = {  # what the example is to say here
    "count=8)": "count=3, poll_seconds=0.2, stall_seconds=60)",
    '{"image": 64, "audio": 16}': '{"image": 6, "audio": 4}',
    "directory=CONFIGS": 'directory=CONFIGS, cluster_conn_id="search", default_args=HERE',
    "\nCONFIGS =": '\nHERE = {"retries": 0, "postgres_conn_id": "api"}\nCONFIGS ='}


@pytest.fixture(scope="module")
def airflow(openverse, group, servers, program, tmp_path_factory):
    made = Airflow(tmp_path_factory.mktemp("airflow"), program, {
        **group.environment, "OPENVERSE_CONFIGS": str(openverse.directory), "SERVERS": " ".join(servers)})
    example = (PACKAGE / "example_dags/openverse.py").read_text()
    for old, new in AS_HERE.items():
        assert old in example, old
        example = example.replace(old, new)
    (made.dags / "openverse.py").write_text(example)
    shutil.copy(ROOT / "tests/packages/dags/own.py", made.dags)
    made.add_connection(
        "api", f"postgres://refresher:{quote(openverse.PASSWORD)}@127.0.0.1:{openverse.postgres.port}/live")
    made.add_connection("search", openverse.engine.url.replace("//", f"//elastic:{CLUSTER_PASSWORD}@"))
    made.add_connection("servers", f"http://:{TOKEN}@servers")
    made.begin()
    yield made
    made.close()


def expected(openverse, model):
    """The documents of the live table, by a second opinion."""
    connection = openverse.postgres.connect(f"{openverse.live.conninfo} options='-c TimeZone=UTC'")
    with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        cursor.execute(rows_query(model))
        found = {str(row["id"]): BUILDERS[model](row) for row in cursor}
    connection.close()
    return {key: document for key, document in found.items() if document}


def assert_refreshed(openverse, model, table_before):
    """The alias and the table are new ones, and all rows are in; the old index is gone."""
    documents = openverse.engine.documents(model)
    wanted = expected(openverse, model)
    assert documents.keys() == wanted.keys() and all(equal(wanted[key], documents[key]) for key in wanted)
    assert openverse.table_number(model) != table_before
    live = openverse.behind(model)
    assert set(openverse.engine.must("GET", f"{model}-*")) == {live, f"{live}-filtered"}
    assert openverse.behind(f"{model}-filtered") == f"{live}-filtered"
    assert_filtered(openverse, model)


def assert_filtered(openverse, model):
    """The second index has what has no term, and nothing else."""
    documents, filtered = (openverse.engine.documents(name) for name in (model, f"{model}-filtered"))
    assert filtered == {key: source for key, source in documents.items() if not openverse.has_term(source)}
    assert 0 < len(filtered) < len(documents)


def test_airflow_knows_the_package(airflow, program):
    version = run(program, "--version").split()[1]
    assert re.search(rf"(?m)^bobbin-airflow +\|.*\| {version} *$", airflow.sh(of_page("airflow")))


def test_its_parts(airflow):
    run(f"{airflow.venv}/bin/python", "-B", "-m", "unittest", "airflow_parts", cwd=ROOT / "tests/packages",
        env=airflow.environment)


def test_a_refresh_and_a_filtered_index_by_workers_of_this_machine(airflow, openverse):
    openverse.make_old("audio")
    before = openverse.table_number("audio")
    tasks = airflow.start("openverse.py", "audio_data_refresh").succeed()
    assert len(tasks) == 17 and all(states == ["success"] for states in tasks.values())
    assert_refreshed(openverse, "audio", before)
    # the filtered index alone, as when the terms are others
    live, filtered = openverse.behind("audio"), openverse.behind("audio-filtered")
    openverse.filter("river")
    airflow.start("openverse.py", "audio_filtered_index").succeed()
    assert openverse.behind("audio") == live
    assert_filtered(openverse, "audio")
    assert not openverse.engine.must("GET", f"{filtered}*")


@pytest.fixture
def machines(group, openverse, program, tmp_path):
    """Those of the group. They are slow, so that there is time to kill one."""
    made = []

    def start(config, more="", **changes):
        (tmp_path / "machines").mkdir()
        openverse.write_config(f"{config}-worker", "image", more, url=openverse.engine.url, **changes)
        words = ["--config", openverse.directory / f"{config}-worker.conf"]
        made.append(Machines(group, program, words, tmp_path / "machines", {"PGPASSWORD": openverse.PASSWORD},
                             openverse.directory))
        made[-1].start()
        return made[-1]

    yield start
    for one in made:
        one.close()


SLOWLY = "max-rate = 120\nwindow-rows = 25\nframe-size = 4K\nsegment-size = 16K\nin-flight = 2\n"
SOME = 200  # rows, of some 450 of a shard; a beat is some 50 behind


class Interruption:
    """When a worker is some way into its shard there is a newer launch template, and its machine goes."""

    def __init__(self, machines):
        self.machines, self.victim, self.shard = machines, None, None
        machines.on_look = self.look

    def look(self, job):
        for number, shard in enumerate(job["shards"]):
            if not self.victim and shard["state"] == "held" and shard["acknowledged"] > SOME:
                self.shard, self.epoch, self.acknowledged = number, shard["epoch"], shard["acknowledged"]
                self.machines.group.make_version(1)
                self.victim = self.machines.interrupt(shard["holder"].split(":")[0])


def test_a_refresh_by_a_group_of_instances_of_which_one_is_interrupted(airflow, openverse, group, machines):
    openverse.make_old("image")
    before = openverse.table_number("image")
    crowd = machines("image", SLOWLY)
    interruption = Interruption(crowd)
    airflow.start("openverse.py", "image_data_refresh").succeed()
    crowd.close()
    assert_refreshed(openverse, "image", before)
    # it was interrupted, and another machine went on where it had been
    assert interruption.victim and len(crowd.workers) == 4
    job = crowd.looks[-1]
    shard = job["shards"][interruption.shard]
    assert shard["state"] == "done" and shard["epoch"] > interruption.epoch
    assert shard["holder"].split(":")[0] != interruption.victim
    sent = openverse.engine.must("GET", "image/_stats/indexing")["_all"]["primaries"]["indexing"]["index_total"]
    rows = openverse.engine.count("image")
    assert 0 <= sent - rows < interruption.acknowledged
    # all began with the template of the beginning; one that had no shard was ended before the others; none is left
    assert (crowd.versions, crowd.images) == ({("1", "1")}, {IMAGES[0]})
    assert max(crowd.capacities) == 3 and {1, 2} & set(crowd.capacities)
    assert group.describe()["DesiredCapacity"] == 0 and group.instances() == {}


def test_a_refresh_that_fails_leaves_no_instance_and_the_alias_where_it_is(airflow, openverse, group, machines):
    before, alias = openverse.table_number("image"), openverse.engine.must("GET", "_alias")
    body = json.loads((openverse.directory / "index-image.json").read_text())
    body["mappings"]["properties"]["license"] = {"type": "integer"}
    (openverse.directory / "index-refused.json").write_text(json.dumps(body))
    openverse.write_config("refused", "image", **{"create-index": "index-refused.json"})
    crowd = machines("refused", **{"create-index": "index-refused.json"})
    flow = airflow.start("own.py", "refused_data_refresh")
    state, tasks = flow.finish()
    crowd.close()
    assert state == "failed" and "documents were refused" in flow.log()
    assert tasks["wait_for_job"] == ["failed"] and tasks["stop_workers"] == ["success"]
    assert tasks["verify"] == tasks["promote_index"] == ["upstream_failed"]
    assert max(crowd.capacities) == 2 and group.describe()["DesiredCapacity"] == 0
    assert openverse.table_number("image") == before
    found = openverse.engine.must("GET", "_alias")
    assert {name: found[name] for name in alias} == alias


def test_a_refresh_by_servers(airflow, openverse, servers):
    before = openverse.table_number("audio")
    tasks = airflow.start("own.py", "served_data_refresh").succeed()
    assert tasks["shards"] == ["success"] * 4
    assert_refreshed(openverse, "audio", before)
    for server in servers:
        asked = urllib.request.Request(f"{server}/task", headers={"Authorization": f"Bearer {TOKEN}"})
        done = json.load(DIRECT.open(asked))
        assert [task["error"] for task in done] == [None] * 2


def test_no_secret_is_kept(airflow, openverse):
    kept = airflow.kept()
    assert b"served_data_refresh" in kept
    for secret in (openverse.PASSWORD, quote(openverse.PASSWORD), TOKEN, CLUSTER_PASSWORD):
        assert secret.encode() not in kept
