"""The program bobbin: where it is, how it is called, and what its exit status means to Airflow."""

import logging
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from bobbin_airflow.connections import environment_of

AGAIN = 75  # stopped early: the same command goes on
STOP_SECONDS = 60  # the program itself ends within 5 s of a SIGTERM
LINE = re.compile(r"\d{4}-\S+Z (?:(error|warning): )?(.*)")  # of its log: when, how bad, what
LEVELS = {"error": logging.ERROR, "warning": logging.WARNING, None: logging.INFO}


@dataclass(frozen=True)
class Program:
    """How bobbin is called. The connections' secrets reach it by its environment alone."""

    config: str | None = None
    program: str = "bobbin"
    directory: str | None = None  # that paths in the config file are relative to
    postgres_conn_id: str | None = None
    cluster_conn_id: str | None = None

    def command(self, arguments: Sequence[str]) -> list[str]:
        return [self.program, *map(str, arguments), *(["--config", self.config] if self.config else [])]

    def connection_ids(self) -> dict[str, str]:
        ids = {"postgres": self.postgres_conn_id, "cluster": self.cluster_conn_id}
        return {kind: name for kind, name in ids.items() if name}

    def environment(self) -> dict[str, str]:
        """Within a task."""
        found = {kind: BaseHook.get_connection(name) for kind, name in self.connection_ids().items()}
        return os.environ | environment_of(found)

    async def aenvironment(self) -> dict[str, str]:
        """Within a trigger."""
        found = {kind: await BaseHook.aget_connection(name) for kind, name in self.connection_ids().items()}
        return os.environ | environment_of(found)

    def asdict(self) -> dict[str, str | None]:
        return asdict(self)


class Call:
    """One command, from its start to its end. Its log becomes the task's log, line by line."""

    def __init__(self, program: Program, arguments: Sequence[str], log):
        self.name = "bobbin " + " ".join(map(str, arguments))
        self.log = log
        self.last_error = ""
        self.output = tempfile.TemporaryFile("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            program.command(arguments), stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.PIPE,
            text=True, errors="replace", env=program.environment(), cwd=program.directory)

    def finish(self) -> str:
        """Wait for its end; what it printed. An error unless it succeeded."""
        with self.output, self.process:  # which waits for it
            for line in self.process.stderr:
                self._tell(line.rstrip("\n"))
            self.process.wait()
            self.output.seek(0)
            printed = self.output.read()
        status = self.process.returncode
        if status != 0:
            raise failure(f"{self.name}: exit status {status}: {self.last_error}", status)
        return printed

    def stop(self) -> None:
        """As a second run goes on where this one stops, it is given the time to stop well."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def _tell(self, line: str) -> None:
        match = LINE.fullmatch(line)
        level, text = (LEVELS[match[1]], match[2]) if match else (logging.INFO, line)
        self.log.log(level, text)
        if level == logging.ERROR:
            self.last_error = text


def failure(message: str, status: int) -> AirflowException:
    """What to raise: a failure that a retry can help, for 75 and a kill, else one that a person must look at."""
    return AirflowException(message) if status == AGAIN or status < 0 else AirflowFailException(message)
