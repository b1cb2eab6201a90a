"""The benchmarks still run, and count what arrived."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from documents import commands_of_page
from engines import ROOT

ROWS = 40
LESS = f"--rows {ROWS} --only copy,dump,curl,replay,run,load"


def test_a_growing_job_is_measured(bobbin):
    done = subprocess.run([ROOT / "bench" / "growth", "--frames", "20", "--bobbin", bobbin.path],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    frames, rows, *_ = [cell.strip() for cell in done.stdout.splitlines()[-1].strip("|").split("|")]
    assert (int(frames), rows) == (20, "40,000")


@pytest.mark.long
def test_the_pages_commands_measure_and_draw(bobbin, tmp_path):
    """With fewer rows, and without what one would use instead of bobbin."""
    (tmp_path / "docs").mkdir()
    page = Path(shutil.copy(ROOT / "docs/benchmark.md", tmp_path / "docs"))
    (tmp_path / "bench").symlink_to(ROOT / "bench")
    measure, draw = commands_of_page(page, ["bench/run", "bench/plot"])
    for command in (f"{measure} {LESS} --bobbin {bobbin.path}", draw):
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    measured = json.loads((tmp_path / "benchmark.json").read_text())
    assert measured.keys() == {"images", "narrow", "large"}
    written = re.findall(r"^([\d,]+) documents of ", page.read_text(), re.M)
    assert len(written) == 3 and all(ROWS / 2 < int(number) <= ROWS for number in written)  # some images have no document
    assert all((tmp_path / f"docs/benchmark.{kind}").stat().st_size > 10_000 for kind in ("svg", "png"))
