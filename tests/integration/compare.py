"""Are two JSON values the same, whoever wrote them?"""

import math
import re
from datetime import datetime

TOLERANCE = 1e-9  # relative; the last digit of a double is the server's choice
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:?\d\d)?)")


def equal(expected, actual):
    """As JSON values: numbers as numbers, dates with an offset as instants, objects in any order."""
    if is_number(expected) and is_number(actual):
        return equal_numbers(expected, actual)
    if type(expected) is not type(actual):
        return False
    if isinstance(expected, dict):
        return (expected.keys() == actual.keys()
                and all(equal(value, actual[key]) for key, value in expected.items()))
    if isinstance(expected, list):
        return len(expected) == len(actual) and all(map(equal, expected, actual))
    return expected == actual or (isinstance(expected, str) and equal_instants(expected, actual))


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def equal_numbers(expected, actual):
    if isinstance(expected, int) and isinstance(actual, int):
        return expected == actual
    try:
        return math.isclose(expected, actual, rel_tol=TOLERANCE)
    except OverflowError:  # a whole number beyond the doubles
        return False


def equal_instants(expected, actual):
    return (bool(INSTANT.fullmatch(expected) and INSTANT.fullmatch(actual))
            and datetime.fromisoformat(expected) == datetime.fromisoformat(actual))
