"""A dump by several jobs that share a snapshot: parts of equal rows wherever the keys lie, each in the key's
order, and all of them together are the query's rows.
"""

import pytest

from jobs import FINISHED, Ledger, ledger

ROWS = 1_003  # no multiple of the parts

# name: the key's type, a SELECT of ROWS values
SKEWED = {
    "a cluster, then gaps": ("bigint", """
        SELECT i::bigint FROM generate_series(1, 900) i UNION ALL
        SELECT 1000000000000 + i * 1000000000::bigint FROM generate_series(1, 103) i"""),
    "clusters far apart": ("bigint", """
        SELECT (i % 5 - 2) * 4000000000000000000::numeric::bigint / 2 + i / 5
        FROM generate_series(0, 1002) i"""),
    "ever larger gaps": ("numeric", "SELECT 1.1 ^ i::numeric FROM generate_series(0, 1002) i"),
    "one lonely key before all": ("bigint", """
        SELECT -9000000000000000000 UNION ALL SELECT i FROM generate_series(1, 1002) i"""),
    "words that begin alike": ("text", """
        SELECT repeat('a', 200) || i FROM generate_series(1, 1000) i UNION ALL
        SELECT v FROM unnest(ARRAY['0', 'b', 'zz']) v"""),
    "uuids": ("uuid", "SELECT md5(i::text)::uuid FROM generate_series(1, 1003) i"),
    "uuids that begin alike": ("uuid", """
        SELECT ('00000000-0000-0000-0000-' || lpad(to_hex(i), 12, '0'))::uuid
        FROM generate_series(1, 1002) i UNION ALL SELECT 'ffffffff-ffff-ffff-ffff-ffffffffffff'"""),
    "times of one busy day": ("timestamptz", """
        SELECT '2024-03-31 00:00+00'::timestamptz + i * '1 second'::interval
        FROM generate_series(1, 1001) i UNION ALL SELECT '1970-01-01' UNION ALL SELECT '2100-01-01'"""),
}


@pytest.fixture(scope="module")
def skewed_tables(database):
    """name -> table, its rows in no order"""
    tables = {}
    for name, (kind, values) in SKEWED.items():
        tables[name] = database.make_table(
            f"key {kind} PRIMARY KEY, body text", f"SELECT v, md5(v::text) FROM ({values}) AS values(v) ORDER BY 2")
    return tables


def keys_of_parts(job):
    """part -> the ids of its rows, in the order in which they stand in the spool"""
    ids, parts = job.spooled_ids(), {}
    for frame in sorted(job.look("inspect")["frames"], key=lambda frame: frame["number"]):
        count = frame["documents"]
        parts.setdefault(frame["part"], []).extend(ids[:count])
        ids = ids[count:]
    assert ids == []
    return parts


@pytest.mark.parametrize("jobs", [1, 2, 4])
@pytest.mark.parametrize("name", SKEWED)
def test_parts_are_equal_ordered_and_complete_wherever_the_keys_lie(database, make_job, skewed_tables, name, jobs):
    table = skewed_tables[name]
    in_order = [key for key, in database.execute(f"SELECT t.key::text FROM {table} t ORDER BY t.key")]
    job = make_job(f"SELECT key::text AS _id, key, body FROM {table}")
    result = job.run("--key", "key", "--jobs", jobs, "--snapshot", "dump", "--window-rows", 60,
                     "--frame-size", "4K", stage="dump")
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, Ledger(ROWS, 0, 0, ROWS)), result.stderr
    parts = keys_of_parts(job)
    assert sorted(parts) == list(range(jobs))
    # one behind the other, so each is in order and nothing is missing or twice
    assert [key for part in sorted(parts) for key in parts[part]] == in_order
    sizes = [len(keys) for keys in parts.values()]
    assert max(sizes) - min(sizes) < jobs


@pytest.mark.parametrize("jobs", [2, 4])
def test_parts_are_cut_by_what_the_query_leaves(database, make_job, skewed_tables, jobs):
    """All rows that the query leaves lie among the last of the table."""
    table = skewed_tables["a cluster, then gaps"]
    job = make_job(f"SELECT key AS _id, key FROM {table} WHERE key > 800")
    result = job.run("--key", "key", "--jobs", jobs, "--snapshot", "dump", stage="dump")
    assert result.returncode == FINISHED, result.stderr
    sizes = [len(keys) for keys in keys_of_parts(job).values()]
    assert (len(sizes), sum(sizes)) == (jobs, ROWS - 800)
    assert max(sizes) - min(sizes) < jobs
