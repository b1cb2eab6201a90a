"""What a real cluster refuses for good; what it refuses for now, or in other ways: test_faults.py."""

from jobs import DEAD_LETTERS, Ledger, ledger

SMALL = ["--frame-size", "4K"]
TYPED = {"settings": {"number_of_replicas": 0, "number_of_shards": 1},
         "mappings": {"properties": {"id": {"type": "long"}, "day": {"type": "date"},
                                     "n": {"type": "integer"}, "ip": {"type": "ip"}}}}


def test_documents_that_the_mapping_refuses_are_dead_letters(engine, make_job, database):
    table = database.make_table("id int PRIMARY KEY, day text, n text, ip text", """
        SELECT i, CASE i % 30 WHEN 1 THEN 'no day' ELSE '2024-02-29' END,
            CASE i % 30 WHEN 2 THEN 'no "number"' ELSE '7' END,
            CASE i % 30 WHEN 3 THEN '1.2.3.4.5' ELSE '1.2.3.4' END FROM generate_series(1, 300) i""")
    job = make_job(table, engine, TYPED)
    expected = job.expected()
    result = job.run(*SMALL)
    dead = {letter["id"]: letter for letter in job.dead_letters()}
    assert (result.returncode, ledger(result.stdout)) == (DEAD_LETTERS, Ledger(300, 270, 30, 0))
    assert "30 documents were refused" in result.stderr and "dead.ndjson" in result.stderr
    assert job.documents().keys() | dead.keys() == expected.keys()
    assert not job.documents().keys() & dead.keys()
    for key, letter in dead.items():
        field = {1: "day", 2: "n", 3: "ip"}[int(key) % 30]
        assert letter["status"] == 400
        assert f"[{field}]" in letter["error"]["reason"]
        assert letter["action"] == {"index": {"_id": key}}
        assert letter["source"] == expected[key]
        assert letter["time"].endswith("Z")


def test_a_finished_job_with_dead_letters_says_so_each_time(elasticsearch, make_job):
    job = make_job("SELECT i AS id, 'x' AS n FROM generate_series(1, 3) i", elasticsearch, TYPED)
    for options in ([], [], ["--again"]):
        result = job.run(*options)
        assert (result.returncode, ledger(result.stdout)) == (DEAD_LETTERS, Ledger(3, 0, 3, 0))
        assert [letter["id"] for letter in job.dead_letters()] == ["1", "2", "3"]
