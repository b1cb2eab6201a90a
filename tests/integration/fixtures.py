"""Fixtures that the tests of packages have, too."""

import pytest

from jobs import Gate


@pytest.fixture
def gate(database):
    gate = Gate(database)
    yield gate
    gate.open()
