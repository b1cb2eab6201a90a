"""Jobs some of whose documents are refused, and what is to become of those."""

from jobs import DEAD_LETTERS, Ledger, ledger

ROWS = 300
DEAD = ROWS // 10
STILL = 5  # documents that no repair helps
SMALL = ["--frame-size", "4K", "--segment-size", "8K", "--in-flight", 4]
# Words in `mark` are refused until ignore_malformed comes; those in `day` for good.
TYPED = {"settings": {"number_of_replicas": 0, "number_of_shards": 1},
         "mappings": {"dynamic": False, "properties": {"mark": {"type": "integer"},
                                                       "day": {"type": "date"}}}}


def repair(job):
    """The mapping takes words in `mark`."""
    status, answer = job.engine.request("PUT", f"{job.index}/_mapping", {"properties": {
        "mark": {"type": "integer", "ignore_malformed": True}}})
    assert status == 200, answer


def refused(job, field="mark"):
    """The ids of documents that have FIELD."""
    return {key for key, document in job.expected().items() if document.get(field)}


def assert_letters(job, ids):
    """Each of IDS has one letter, whose source is the query's document; the index has all others."""
    expected = job.expected()
    letters = job.dead_letters()
    assert sorted(letter["id"] for letter in letters) == sorted(ids)
    assert all(letter["source"] == expected[letter["id"]] for letter in letters)
    assert job.documents() == {key: expected[key] for key in expected.keys() - set(ids)}


def run_refused(job, *options):
    """Run JOB: every tenth document is refused."""
    result = job.run(*SMALL, *options)
    assert result.returncode == DEAD_LETTERS, result.stderr
    assert ledger(result.stdout) == Ledger(ROWS, ROWS - DEAD, DEAD, 0)
    return result


def retry(job, *options, **how):
    return job.run(*options, stage="dead retry", **how)
