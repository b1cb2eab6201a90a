"""Openverse's documents by examples/openverse/*.sql: the generated rows, and odd ones."""

import json
import subprocess

import psycopg2.extras
import pytest

from compare import equal
from engines import ROOT
from openverse import BUILDERS, rows_query

EXAMPLE = ROOT / "examples" / "openverse"
DATA = ROOT / "tests" / "integration" / "data"
GENERATED = 300_000  # the expected documents are of that many: the generator's gaps depend on it
MOVED = {"image": 5_400, "audio": 5_400}  # the highest id that is moved; some 5,000 rows
NO_MAPPING = {"settings": {"number_of_replicas": 0}, "mappings": {"dynamic": False}}
FINISHED, FINISHED_WITH_DEAD_LETTERS = 0, 65

models = pytest.mark.parametrize("model", ["image", "audio"])


@pytest.fixture(scope="module")
def generated(postgres):
    """A database with the generated rows; its conninfo."""
    conninfo = postgres.fresh_database("openverse")
    postgres.psql("-f", EXAMPLE / "schema.sql", "-v", f"rows={GENERATED}", "-f",
                  EXAMPLE / "generate.sql", conninfo=conninfo)
    return conninfo


@pytest.fixture(scope="module")
def odd(postgres):
    """A database with the odd rows alone; its conninfo."""
    conninfo = postgres.fresh_database("openverse_odd")
    postgres.psql("-f", EXAMPLE / "schema.sql", "-f", DATA.parent / "odd-openverse.sql",
                  "-c", "ALTER TABLE image ADD PRIMARY KEY (id)",
                  "-c", "ALTER TABLE audio ADD PRIMARY KEY (id)", conninfo=conninfo)
    return conninfo


def documents_in_python(postgres, conninfo, model, where="true"):
    connection = postgres.connect(f"{conninfo} options='-c TimeZone=UTC'")
    try:
        with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(rows_query(model, where))
            documents = {str(row["id"]): BUILDERS[model](row) for row in cursor}
    finally:
        connection.close()
    return {key: document for key, document in documents.items() if document is not None}


def expected_documents(model):
    with open(DATA / f"expected-{model}.ndjson", encoding="utf-8") as file:
        return {line["_id"]: line["_source"] for line in map(json.loads, file)}


@pytest.fixture
def move(engine, bobbin, spool, tmp_path):
    """Run bobbin into a new index with the index body FILE or JSON; the result and the documents."""
    indexes = []

    def run(model, conninfo, body, *options):
        indexes.append(f"openverse-{model}")
        engine.delete_index(indexes[-1])
        (tmp_path / "index.json").write_text(body if isinstance(body, str) else json.dumps(body))
        result = bobbin.run(["run", "--dsn", conninfo, "--query", EXAMPLE / f"{model}.sql",
                             "--table", model,
                             "--url", engine.url, "--index", indexes[-1],
                             "--create-index", tmp_path / "index.json", "--spool", spool, *options])
        return result, engine.documents(indexes[-1])

    yield run
    for index in indexes:
        engine.delete_index(index)


def plain_index(model):
    """The index body without what the test distributions lack."""
    return subprocess.run([ROOT / "script" / "lib" / "plain-index", EXAMPLE / f"index-{model}.json"],
                          capture_output=True, text=True, check=True).stdout


def assert_equal(expected, actual):
    assert expected.keys() == actual.keys()
    different = {key: (document, actual[key]) for key, document in expected.items()
                 if not equal(document, actual[key])}
    assert not different


@models
def test_generated_rows_become_openverse_documents(postgres, generated, move, model):
    result, documents = move(model, generated, plain_index(model), "--to", MOVED[model])
    assert result.returncode == FINISHED, result.stderr
    assert_equal(documents_in_python(postgres, generated, model, f"id <= {MOVED[model]}"), documents)
    expected = expected_documents(model)
    assert_equal(expected, {key: documents.get(key) for key in expected})


@models
def test_odd_rows_follow_the_same_rules(postgres, odd, move, model):
    result, documents = move(model, odd, NO_MAPPING, "--jobs", 2, "--window-rows", 100)
    assert result.returncode == FINISHED, result.stderr
    assert_equal(documents_in_python(postgres, odd, model), documents)


@models
def test_odd_rows_that_the_mapping_refuses_are_dead_letters(postgres, odd, move, spool, model):
    result, documents = move(model, odd, plain_index(model))
    expected = documents_in_python(postgres, odd, model)
    with open(spool / "dead.ndjson", encoding="utf-8") as file:
        dead = {letter["id"]: letter["source"] for letter in map(json.loads, file)}
    assert result.returncode == FINISHED_WITH_DEAD_LETTERS, result.stderr
    assert dead and not dead.keys() & documents.keys()
    assert_equal(expected, {**documents, **dead})
