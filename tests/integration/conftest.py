"""Fixtures: the real engines, started when first asked for, and the program under test.

An engine or a program that is missing is an error, never a skip. One search engine is up at a time,
so the tests are put in order by the engine they use, and each starts once.
"""

import pytest

from engines import Bobbin, Postgres, SearchEngines

SEARCH_ENGINES = ("elasticsearch", "opensearch")


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "sanitizers: runs again with the program built with sanitizers")


def search_engine_of(item):
    """The name of the search engine that a test uses, or None."""
    callspec = getattr(item, "callspec", None)
    if callspec and "engine" in callspec.params:
        return callspec.params["engine"]
    names = [name for name in SEARCH_ENGINES if name in item.fixturenames]
    if len(names) > 1:
        raise pytest.UsageError(f"{item.nodeid}: one search engine for a test, not two")
    return names[0] if names else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    order = {name: place for place, name in enumerate((None, *SEARCH_ENGINES))}
    items.sort(key=lambda item: order[search_engine_of(item)])


@pytest.fixture(scope="session")
def search_engines():
    engines = SearchEngines()
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


@pytest.fixture
def bobbin(tmp_path_factory):
    program = Bobbin(tmp_path_factory.mktemp("bobbin"))
    yield program
    program.end_all()


@pytest.fixture
def spool(tmp_path):
    """A path for a spool; nothing is there yet."""
    return tmp_path / "spool"
