"""Peak memory at the default settings: small, and the same for ten times the rows."""

import pytest

from engines import ROOT
from jobs import FINISHED, all_in, ledger

QUERY = (ROOT / "examples" / "openverse" / "image.sql").read_text()
FEW, MANY = 30_000, 300_000  # the highest id of each run
MOST_KIB = 32 << 10
MOST_BETWEEN_KIB = 2 << 10


@pytest.mark.memory
def test_peak_memory_is_bounded_and_does_not_grow_with_the_rows(elasticsearch, make_job, generated):
    peaks = []
    for highest in (FEW, MANY):
        rows, = generated.execute(f"SELECT count(*) FROM ({QUERY}) q WHERE id <= {highest}")[0]
        job = make_job(QUERY, elasticsearch, of=generated)
        result = job.run("--to", highest, timeout=600)
        assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(rows)), result.stderr
        elasticsearch.refresh(job.index)
        assert elasticsearch.count(job.index) == rows
        peaks.append(result.maxrss_kib)
    assert max(peaks) < MOST_KIB
    assert abs(peaks[1] - peaks[0]) < MOST_BETWEEN_KIB


@pytest.mark.memory
def test_a_comparison_and_a_repair_of_all_documents_are_bounded_too(elasticsearch, make_job, generated):
    peaks = []
    for highest in (FEW, MANY):
        job = make_job(QUERY, elasticsearch, of=generated)
        job.run("--to", highest, timeout=600)
        for left in (0, ledger(job.run("--to", highest).stdout).rows):
            result = job.run("--repair", "--to", highest, stage="verify", timeout=600)
            assert result.returncode == FINISHED, result.stderr
            assert f"; sent {left}, left 0" in result.stdout
            peaks.append(result.maxrss_kib)
            elasticsearch.delete_documents(job.index)
    assert max(peaks) < MOST_KIB
    assert abs(peaks[2] - peaks[0]) < MOST_BETWEEN_KIB
