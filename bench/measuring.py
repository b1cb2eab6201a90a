"""What the benchmarks share: processes measured from outside, a throwaway directory, tables in Markdown."""

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Figures:
    wall: float  # seconds
    cpu: float  # seconds of the client's processes
    rss: float  # MiB, the client's peak
    postgresql: float = 0.0  # CPU seconds of its sessions
    engine: float = 0.0  # CPU seconds
    disk: float = 0.0  # MiB of files that the client kept meanwhile


def median(figures):
    """Of each figure by itself."""
    return Figures(*map(statistics.median, zip(*map(astuple, figures))))


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def fail(text):
    sys.exit(f"bench: {text}")


def run(command, **options):
    """A command that isn't measured; its output."""
    done = subprocess.run([str(word) for word in command], text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **options)
    if done.returncode != 0:
        fail(f"{' '.join(map(str, command))[:200]}: exit {done.returncode}")
    return done.stdout.strip()


def measure(work, commands, env=None):
    """Run the commands at the same time, to their end: wall time, and CPU and peak memory together.

    A process begins with the peak memory of its parent, so each is started by time(1), which is small.
    """
    begun = time.monotonic()
    processes = [start(work, number, command, env) for number, command in enumerate(commands)]
    return finish(work, processes, begun)


def finish(work, processes, begun):
    """Wait for what start() has started since BEGUN; the figures of all together."""
    codes = [process.wait() for process in processes]
    wall = time.monotonic() - begun
    figures = []
    for number, code in enumerate(codes):
        if code != 0:
            print((work / f"output.{number}").read_text(errors="replace")[-4000:], file=sys.stderr)
            fail(f"{' '.join(processes[number].args)[:200]}: exit {code}")
        figures.append(list(map(float, (work / f"time.{number}").read_text().split())))
    return Figures(wall, sum(user + system for user, system, _ in figures),
                   sum(kibibytes for _, _, kibibytes in figures) / 1024)


def start(work, number, command, env=None):
    command = ["time", "-q", "-f", "%U %S %M", "-o", work / f"time.{number}", *command]
    with open(work / f"output.{number}", "wb") as output:
        return subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                stdout=output, stderr=subprocess.STDOUT,
                                env={**os.environ, **(env or {})})


def disk_use(directory):
    """MiB that the files of a directory take up, those that vanish meanwhile left out."""
    blocks = 0
    with suppress(FileNotFoundError), os.scandir(directory) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                blocks += entry.stat(follow_symlinks=False).st_blocks
    return blocks * 512 / (1 << 20)


class DiskWatch:
    """Looks at a directory ten times a second while the block runs: peak, in MiB."""

    def __init__(self, directory):
        self.directory = directory
        self.peak = 0.0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def look(self):
        self.peak = max(self.peak, disk_use(self.directory))

    def watch(self):
        while not self.ended.wait(0.1):
            self.look()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.look()


@contextmanager
def work_directory():
    """A directory that is gone afterwards, also when SIGTERM ends the program."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    work = Path(tempfile.mkdtemp(prefix="bobbin-bench-", dir="/tmp"))
    work.chmod(0o755)  # engines run as users of their own
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def check_tools(parser, program, *tools):
    """End with a word of what is missing."""
    if not os.access(program, os.X_OK):
        parser.error(f"{program}: no such program; build it or say --bobbin PROGRAM")
    missing = [tool for tool in ("time", *tools) if not shutil.which(tool)]
    if missing:
        parser.error(f"{missing[0]} is missing: run script/packages test")


def table(head, rows):
    """Its lines in Markdown."""
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows)]


def print_table(head, rows):
    print("", *table(head, rows), sep="\n")
