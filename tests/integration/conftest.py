"""Fixtures: the real engines, started when first asked for, and the program under test.

An engine or a program that is missing is an error, never a skip. One search engine is up at a time,
so the tests are put in order by the engine they use, and each starts once.
"""

import pytest

from engines import ROOT, Bobbin, Postgres, SearchEngines, SecuredElasticsearch
from faults import FaultServer
from fixtures import gate  # noqa: F401
from jobs import NO_MAPPING, Database, Halfway, Job, numbers
from letters import ROWS
from proxy import Proxy
from three_nodes import Cluster

SEARCH_ENGINES = ("elasticsearch", "opensearch")
ELASTICSEARCHES = {"secured": SecuredElasticsearch, "three_nodes": Cluster}
ALL_ENGINES = (*SEARCH_ENGINES, *ELASTICSEARCHES)


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "elasticsearch: uses a real Elasticsearch, secured or not, or a cluster of them")
    config.addinivalue_line(
        "markers", "long: takes minutes, as three nodes of Elasticsearch do, so it is not part of the whole")
    config.addinivalue_line(
        "markers", "opensearch: uses a real OpenSearch")
    config.addinivalue_line(
        "markers", "sanitizers: runs again with the program built with sanitizers")
    config.addinivalue_line(
        "markers", "memory: measures memory, of which sanitizers take most")


def search_engine_of(item):
    """The name of the search engine that a test uses, or None."""
    callspec = getattr(item, "callspec", None)
    if callspec and "engine" in callspec.params:
        return callspec.params["engine"]
    names = [name for name in ALL_ENGINES if name in item.fixturenames]
    if len(names) > 1:
        raise pytest.UsageError(f"{item.nodeid}: one search engine for a test, not two")
    return names[0] if names else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    order = {name: place for place, name in enumerate((None, *ALL_ENGINES))}
    items.sort(key=lambda item: order[search_engine_of(item)])


def pytest_itemcollected(item):
    name = search_engine_of(item)
    if name:
        item.add_marker(name if name in SEARCH_ENGINES else "elasticsearch")
    if name == "three_nodes":
        item.add_marker("long")


@pytest.fixture(scope="session")
def search_engines():
    engines = SearchEngines(ELASTICSEARCHES)
    yield engines
    engines.remove()


@pytest.fixture(scope="session")
def postgres():
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def elasticsearch(search_engines):
    return search_engines.use("elasticsearch")


@pytest.fixture(scope="session")
def opensearch(search_engines):
    return search_engines.use("opensearch")


@pytest.fixture(scope="session")
def secured(search_engines):
    """Elasticsearch with TLS and users."""
    return search_engines.use("secured")


@pytest.fixture(scope="session")
def three_nodes(search_engines):
    """A cluster of Elasticsearch."""
    return search_engines.use("three_nodes")


@pytest.fixture(scope="session", params=SEARCH_ENGINES)
def engine(request, search_engines):
    """Each of the two in turn."""
    return search_engines.use(request.param)


@pytest.fixture(autouse=True)
def engines_are_up(request):
    """A test finds its engines up, also when the test before it stopped them."""
    name = search_engine_of(request.node)
    if name:
        request.getfixturevalue("search_engines").use(name)
    if "postgres" in request.fixturenames:
        request.getfixturevalue("postgres").ensure_up()


@pytest.fixture(scope="session")
def database(postgres):
    """A database for tables of the tests' own. Its small tables are read as large ones would be: by
    the key's index, row after row."""
    conninfo = postgres.fresh_database("tests")
    for setting in ("enable_sort", "enable_seqscan", "enable_bitmapscan"):
        postgres.execute(f"ALTER DATABASE tests SET {setting} = off")
    return Database(postgres, conninfo)


@pytest.fixture(scope="session")
def generated(postgres):
    """A database with Openverse's generated rows, 300,000 images among them."""
    conninfo = postgres.fresh_database("generated")
    example = ROOT / "examples" / "openverse"
    postgres.psql("-v", "rows=300000", "-f", example / "schema.sql", "-f", example / "generate.sql",
                  conninfo=conninfo)
    return Database(postgres, conninfo)


@pytest.fixture
def bobbin(tmp_path_factory):
    program = Bobbin(tmp_path_factory.mktemp("bobbin"))
    yield program
    program.end_all()


@pytest.fixture
def spool(tmp_path):
    """A path for a spool; nothing is there yet."""
    return tmp_path / "spool"


@pytest.fixture
def make_job(bobbin, database, tmp_path):
    """make_job(source, engine): a job with a spool and an index of its own. The index is made with
    BODY, unless that is None, and goes when the test is done."""
    jobs = []

    def make(source, engine=None, body=NO_MAPPING, url=None, of=database):
        number = next(numbers)
        job = Job(bobbin, of, source, tmp_path / f"spool-{number}", f"index-{number}", engine, url)
        if engine and body is not None:
            engine.create_index(job.index, body)
        jobs.append(job)
        return job

    yield make
    for job in jobs:
        if job.engine and job.engine.is_up:
            job.engine.delete_index(job.index)


@pytest.fixture
def marked(database):
    """A table of letters.ROWS rows: every 10th has a word in `mark`, which letters.TYPED refuses."""
    table = database.make_numbers(ROWS)
    database.execute(f"ALTER TABLE {table} ADD mark text, ADD day text")
    database.execute(f"UPDATE {table} SET mark = 'a word' WHERE id % 10 = 7")
    return table


@pytest.fixture
def stubborn(database, marked):
    """The same; letters.STILL of them have a word in `day` too."""
    database.execute(f"UPDATE {marked} SET day = 'no day' WHERE id % 50 = 7 AND id < 250")
    return marked


@pytest.fixture
def held(elasticsearch, make_job, database, gate):
    """A job of 600 rows that waits at the gate, half way."""
    table = database.make_numbers(600)
    gate.shut()
    return make_job(f"SELECT id, body FROM {table} WHERE gate(id = 325)", elasticsearch)


@pytest.fixture
def halfway(engine, make_job, database, gate):
    return Halfway(make_job, database, gate, engine)


@pytest.fixture
def victim(elasticsearch, make_job, database):
    """A sound job of nine rows; the index is there and empty."""
    return make_job(database.make_numbers(9), elasticsearch)


@pytest.fixture
def make_server(bobbin):
    """make_server(): a search engine that breaks when asked to."""
    servers = []

    def make():
        servers.append(FaultServer(bobbin))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def server(make_server):
    return make_server()


@pytest.fixture
def make_proxy():
    """make_proxy(engine): a recording proxy in front of it."""
    proxies = []

    def make(engine=None):
        proxies.append(Proxy(engine.url) if engine else Proxy())
        return proxies[-1]

    yield make
    for proxy in proxies:
        proxy.close()
