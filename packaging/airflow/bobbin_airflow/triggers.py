"""What waits for a job without holding a worker of Airflow: it asks bobbin, again and again."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

from airflow.triggers.base import BaseTrigger, TriggerEvent

from bobbin_airflow.program import Program

DONE, CANCELLED, UNKNOWN, STALLED, SUPERFLUOUS = "done", "cancelled", "unknown", "stalled", "superfluous"
UNREADABLE = 78  # the program's exit status: there is no such job, or it is asked for wrongly


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
    """Fires when the job is done, cancelled or gone, when nothing was done for STALL_SECONDS, or when there are more than
    WORKERS workers than shards left. The event: {"state", "acknowledged", "dead", "unfinished", "holders", "error"}.
    """

    def __init__(self, job: str, program: dict, poll_seconds: float, stall_seconds: float, workers: int | None = None):
        super().__init__()
        self.job = job
        self.program = program
        self.poll_seconds = poll_seconds
        self.stall_seconds = stall_seconds
        self.workers = workers

    def serialize(self):
        words = ("job", "program", "poll_seconds", "stall_seconds", "workers")
        return f"{__name__}.BobbinJobTrigger", {name: getattr(self, name) for name in words}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        environment = await Program(**self.program).aenvironment()
        progress, since = None, time.monotonic()
        while True:
            job, error = await self._look(environment)
            if job is None and error:
                yield TriggerEvent({"state": UNKNOWN, "error": error})
                return
            if job and (now := (job["acknowledged"], job["dead"], job["shards_done"])) != progress:
                progress, since = now, time.monotonic()
                self.log.info("%d of %d documents acknowledged, %d shards of %d done", job["acknowledged"], job["rows"],
                              job["shards_done"], len(job["shards"]))
            state = state_of(job, self.workers) if job else None
            if state is None and time.monotonic() - since > self.stall_seconds:
                state = STALLED
            if state:
                yield TriggerEvent(event(state, job))
                return
            await asyncio.sleep(self.poll_seconds)

    async def _look(self, environment) -> tuple[dict | None, str]:
        """The job, or why there is none. Neither: the cluster gave no answer this time."""
        program = Program(**self.program)
        process = await asyncio.create_subprocess_exec(
            *program.command(["job", "show", self.job, "--json"]), env=environment, cwd=program.directory,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        printed, said = await process.communicate()
        if process.returncode == 0:
            return json.loads(printed), ""
        self.log.warning("%s", said.decode(errors="replace").strip())
        return None, said.decode(errors="replace").strip() if process.returncode >= UNREADABLE else ""


def event(state: str, job: dict | None) -> dict:
    """What the sensor is told."""
    if job is None:
        return {"state": state}
    return {"state": state, "acknowledged": job["acknowledged"], "dead": job["dead"], "unfinished": unfinished(job),
            "holders": holders(job)}
