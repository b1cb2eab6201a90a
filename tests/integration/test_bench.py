"""The benchmarks that need no engine still run, and count what arrived."""

import subprocess

from engines import ROOT


def test_a_growing_job_is_measured(bobbin):
    done = subprocess.run([ROOT / "bench" / "growth", "--frames", "20", "--bobbin", bobbin.path],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    frames, rows, *_ = [cell.strip() for cell in done.stdout.splitlines()[-1].strip("|").split("|")]
    assert (int(frames), rows) == (20, "40,000")
