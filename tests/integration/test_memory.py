"""Peak memory at the default settings: small, and the same for four times the rows."""

import re
import sys
from pathlib import Path

import pytest

from engines import ROOT, kill_group
from jobs import FINISHED, Ledger, all_in, ledger, wait_for

sys.path.insert(0, str(ROOT / "bench"))
from nothing import NullSink, NullSource  # noqa: E402

QUERY = (ROOT / "examples" / "openverse" / "image.sql").read_text().replace("{table}", "image")
FEW, MANY = 30_000, 120_000  # the highest id of each run
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


# -- the index -------------------------------------------------------------------------------------

FEW_FRAMES, MANY_FRAMES = 1_000, 100_000
ROWS_OF_A_FRAME = 60
ROWS_TO_SEE = 50_000  # acknowledged, of the replay
MOST_OF_INDEX_KIB = 3 << 10  # its 9 MiB were more


def peak_of_beginning(bobbin, spool, sink):
    """KiB, of a replay until ROWS_TO_SEE are in: the index is checked whole before the first is sent."""
    before, _ = sink.counts()
    process = bobbin.start(["replay", "--spool", spool, *sink.options()])
    wait_for(lambda: sink.counts()[0] - before >= ROWS_TO_SEE, "documents")
    status = Path(f"/proc/{process.pid}/status").read_text()
    kill_group(process)
    process.wait()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])


@pytest.mark.memory
def test_peak_memory_does_not_grow_with_the_index(bobbin, tmp_path):
    build = bobbin.path.parent
    peaks = []
    for frames in (FEW_FRAMES, MANY_FRAMES):
        rows, spool = frames * ROWS_OF_A_FRAME, tmp_path / str(frames)
        source, sink = NullSource(build, tmp_path / "source", rows, 8), NullSink(build)
        try:
            dumped = bobbin.run(["dump", "--spool", spool, *source.options(), "--frame-size", "4K"])
            assert ledger(dumped.stdout) == Ledger(rows, 0, 0, rows)
            looks = [bobbin.run([command, spool]) for command in ("status", "verify")]
            assert [look.returncode for look in looks] == [FINISHED, FINISHED]
            peaks.append([*(result.maxrss_kib for result in (dumped, *looks)),
                          peak_of_beginning(bobbin, spool, sink)])
        finally:
            source.stop()
            sink.stop()
    few, many = peaks
    assert max(b - a for a, b in zip(few, many)) < MOST_OF_INDEX_KIB, peaks


# -- requests in flight ----------------------------------------------------------------------------

DOCUMENT_BYTES = 2_000
MOST_IN_FLIGHT_KIB = 18 << 10  # eight frames held whole were 8 MiB more, and code that is needed no more 6
MOST_BETWEEN_ROWS_KIB = 1 << 10


@pytest.mark.memory
def test_requests_in_flight_hold_little_however_many_rows_there_are(bobbin, tmp_path):
    build, peaks = bobbin.path.parent, []
    for rows in (60_000, 240_000):
        source, sink = NullSource(build, tmp_path / "source", rows, DOCUMENT_BYTES), NullSink(build)
        try:
            result = bobbin.run(["run", "--spool", tmp_path / str(rows), *source.options(), *sink.options(),
                                 "--in-flight", 8])
            assert ledger(result.stdout) == all_in(rows)
            peaks.append(result.maxrss_kib)
        finally:
            source.stop()
            sink.stop()
    assert max(peaks) < MOST_IN_FLIGHT_KIB, peaks
    assert peaks[1] - peaks[0] < MOST_BETWEEN_ROWS_KIB, peaks
