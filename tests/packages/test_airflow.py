"""Airflow runs the DAGs of packaging/airflow, installed as a package, on a real PostgreSQL and a real search engine.

The workers are processes of Airflow's machine; processes that stand in for the instances of an Auto Scaling group in moto, one of
which is killed; and servers.
"""

import os
from pathlib import Path
from urllib.parse import quote

import psycopg2.extras
import pytest

from conftest import ROOT, run
from flows import PACKAGE, Airflow, Openverse
from instances import IMAGES, Cloud, Machines
from compare import equal  # noqa: I001  of the integration tests, as flows says
from engines import Bobbin, Postgres, SearchEngine
from openverse import BUILDERS, rows_query

EXAMPLES = PACKAGE / "example_dags"


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
def airflow(openverse, program, tmp_path_factory):
    made = Airflow(tmp_path_factory.mktemp("airflow"), program)
    example = (EXAMPLES / "openverse.py").read_text()
    for old, new in {'"/etc/bobbin/openverse"': repr(str(openverse.directory)),
                     "count=8)": "count=3, poll_seconds=0.2, stall_seconds=60)",
                     '{"image": 64, "audio": 16}': '{"image": 9, "audio": 4}',
                     "directory=CONFIGS": 'directory=CONFIGS, default_args={"retries": 0, "postgres_conn_id": "api"}'}.items():
        assert old in example, old
        example = example.replace(old, new)
    (made.dags / "openverse.py").write_text(example)
    made.environment["PGPASSWORD"] = "wrong"  # the connection's is the right one
    made.add_connection("api", f"postgres://refresher:{quote(openverse.PASSWORD)}@127.0.0.1:{openverse.postgres.port}/live")
    return made


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
    filtered = openverse.engine.documents(f"{model}-filtered")
    assert filtered == {key: source for key, source in documents.items() if not openverse.has_term(source)}
    assert 0 < len(filtered) < len(documents)


def test_a_refresh_and_a_filtered_index_by_workers_of_this_machine(airflow, openverse):
    openverse.make_old("audio")
    before = openverse.table_number("audio")
    flow = airflow.start("openverse.py", "audio_data_refresh")
    state, tasks = flow.finish()
    assert state == "success", flow.text()
    assert_refreshed(openverse, "audio", before)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    made = Cloud(tmp_path_factory.mktemp("cloud"), size=4)
    yield made
    made.close()


@pytest.fixture
def machines(cloud, openverse, program, tmp_path):
    """Those of the group. They are slow, so that there is time to kill one."""
    made = []

    def start(config, more=""):
        (tmp_path / "machines").mkdir()
        openverse.write_config(f"{config}-worker", "image", more)
        made.append(Machines(cloud, program, ["--config", openverse.directory / f"{config}-worker.conf"], tmp_path / "machines",
                             {"PGPASSWORD": openverse.PASSWORD}, openverse.directory))
        made[-1].start()
        return made[-1]

    yield start
    for one in made:
        one.close()


class Interruption:
    """When a worker is some way into its shard there is a newer launch template, and its machine goes."""

    def __init__(self, machines):
        self.machines, self.victim, self.shard = machines, None, None
        machines.on_look = self.look

    def look(self, job):
        for number, shard in enumerate(job["shards"]):
            if self.victim is None and shard["state"] == "held" and shard["rows"] * 0.3 < shard["acknowledged"] < shard["rows"] * 0.6:
                self.shard, self.epoch, self.acknowledged = number, shard["epoch"], shard["acknowledged"]
                self.machines.cloud.make_version(1)
                self.victim = self.machines.interrupt(shard["holder"].split(":")[0])


def test_a_refresh_by_a_group_of_instances_of_which_one_is_interrupted(airflow, openverse, cloud, machines):
    openverse.make_old("image")
    before = openverse.table_number("image")
    group = machines("image", "max-rate = 120\nwindow-rows = 25\nframe-size = 4K\nsegment-size = 16K\nin-flight = 2\n")
    interruption = Interruption(group)
    flow = airflow.start("openverse.py", "image_data_refresh", **cloud.environment)
    state, tasks = flow.finish()
    group.close()
    assert state == "success", flow.text()
    assert_refreshed(openverse, "image", before)
    # it was interrupted, and another machine went on where it had been
    assert interruption.victim and len(group.workers) == 4
    job = group.looks[-1]
    shard = job["shards"][interruption.shard]
    assert shard["state"] == "done" and shard["epoch"] > interruption.epoch
    assert shard["holder"].split(":")[0] != interruption.victim
    sent = openverse.engine.must("GET", "image/_stats/indexing")["_all"]["primaries"]["indexing"]["index_total"]
    rows = openverse.engine.count("image")
    assert 0 <= sent - rows < interruption.acknowledged
    # all began with the template of the beginning; those without a shard were ended before the others; none is left
    assert (group.versions, group.images) == ({"1"}, {IMAGES[0]})
    assert set(group.capacities) == {0, 1, 2, 3}
    assert cloud.group()["DesiredCapacity"] == 0 and cloud.instances() == {}
