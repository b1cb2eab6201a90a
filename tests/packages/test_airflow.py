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
    assert filtered == {key: source for key, source in documents.items() if source.get("title") not in openverse.terms}
    assert len(filtered) < len(documents)


def test_a_refresh_and_a_filtered_index_by_workers_of_this_machine(airflow, openverse):
    openverse.make_old("audio")
    before = openverse.table_number("audio")
    flow = airflow.start("openverse.py", "audio_data_refresh")
    state, tasks = flow.finish()
    assert state == "success", flow.text()
    assert_refreshed(openverse, "audio", before)
