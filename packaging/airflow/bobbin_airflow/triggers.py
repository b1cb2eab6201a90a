"""What waits for a job without holding a worker of Airflow: it asks bobbin, again and again."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

from airflow.triggers.base import BaseTrigger, TriggerEvent

from bobbin_airflow.program import AGAIN, Program

DONE, CANCELLED, UNKNOWN, STALLED, SUPERFLUOUS = "done", "cancelled", "unknown", "stalled", "superfluous"


def unfinished(job: dict) -> int:
    """How many shards are left."""
    return len(job["shards"]) - job["shards_done"]


def state_of(job: dict, workers: int | None) -> str | None:
    """What ends the wait; None: nothing yet. WORKERS: tell when there are more of them than shards left."""
    if unfinished(job) == 0:
        return DONE
    if job["state"] == "cancelled":
        return CANCELLED
    return SUPERFLUOUS if workers is not None and unfinished(job) < workers else None


def holders(job: dict) -> list[str]:
    """The hosts of those workers that hold a shard."""
    return sorted({shard["holder"].split(":")[0] for shard in job["shards"] if shard["state"] == "held"})


class BobbinJobTrigger(BaseTrigger):
    """Fires when the job is done, cancelled or gone, when nothing was done for STALL_SECONDS, or when there are more
    WORKERS than shards left. The event: {"state", "acknowledged", "dead", "unfinished", "holders", "error"}.
    """

    def __init__(self, job: str, program: dict, poll_seconds: float, stall_seconds: float, workers: int | None = None):
        super().__init__()
        self.job = job
        self.program = program
        self.poll_seconds = poll_seconds
        self.stall_seconds = stall_seconds
        self.workers = workers
        self._progress, self._since = None, time.monotonic()

    def serialize(self):
        words = ("job", "program", "poll_seconds", "stall_seconds", "workers")
        return f"{__name__}.BobbinJobTrigger", {name: getattr(self, name) for name in words}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        environment = await Program(**self.program).aenvironment()
        while (seen := await self._see(environment)) is None:
            await asyncio.sleep(self.poll_seconds)
        yield TriggerEvent(seen)

    async def _see(self, environment) -> dict | None:
        """What there is to tell; None: nothing yet."""
        job, error = await self._look(environment)
        if error:
            return {"state": UNKNOWN, "error": error}
        state = None
        if job:
            self._note_progress(job)
            state = state_of(job, self.workers)
        if state is None and time.monotonic() - self._since > self.stall_seconds:
            state = STALLED
        return event(state, job) if state else None

    def _note_progress(self, job: dict) -> None:
        now = (job["acknowledged"], job["dead"], job["shards_done"])
        if now != self._progress:
            self._progress, self._since = now, time.monotonic()
            self.log.info("%d of about %d documents acknowledged, %d of %d shards done", job["acknowledged"],
                          job["rows"], job["shards_done"], len(job["shards"]))

    async def _look(self, environment) -> tuple[dict | None, str]:
        """The job, or why there is none. Neither: the cluster gave no answer this time."""
        program = Program(**self.program)
        process = await asyncio.create_subprocess_exec(
            *program.command(["job", "show", self.job, "--json"]), env=environment, cwd=program.directory,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        printed, said = await process.communicate()
        if process.returncode == 0:
            return json.loads(printed), ""
        error = said.decode(errors="replace").strip()
        self.log.warning("%s", error)
        return None, "" if process.returncode == AGAIN else error


def event(state: str, job: dict | None) -> dict:
    """What the sensor is told."""
    if job is None:
        return {"state": state}
    return {"state": state, "acknowledged": job["acknowledged"], "dead": job["dead"], "unfinished": unfinished(job),
            "holders": holders(job)}
