"""A shard that a server does, `bobbin serve`: it is asked for by HTTP, and then asked how far it is."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import httpx
from airflow.sdk import BaseHook, BaseOperator
from airflow.sdk.exceptions import AirflowException
from airflow.triggers.base import BaseTrigger, TriggerEvent

TIMEOUT_SECONDS = 30


def ids_of(shard: dict) -> tuple[int, int]:
    """The first and the last id of a shard of a plan that has bounds, both inclusive."""
    return int(shard["from"]) if "from" in shard else int(shard["after"]) + 1, int(shard["to"])


def headers_of(connection) -> dict[str, str]:
    """A server's token is its connection's password."""
    return {"Authorization": f"Bearer {connection.password}"} if connection and connection.password else {}


class BobbinServeTrigger(BaseTrigger):
    """Fires when the task at URL has ended. The event: the task, as the server tells it."""

    def __init__(self, url: str, token_conn_id: str | None, poll_seconds: float):
        super().__init__()
        self.url = url
        self.token_conn_id = token_conn_id
        self.poll_seconds = poll_seconds

    def serialize(self):
        return f"{__name__}.BobbinServeTrigger", {
            "url": self.url, "token_conn_id": self.token_conn_id, "poll_seconds": self.poll_seconds}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        connection = await BaseHook.aget_connection(self.token_conn_id) if self.token_conn_id else None
        async with httpx.AsyncClient(headers=headers_of(connection), timeout=TIMEOUT_SECONDS) as client:
            while (task := await self._ask(client)) is None or task["active"]:
                await asyncio.sleep(self.poll_seconds)
        yield TriggerEvent(task)

    async def _ask(self, client) -> dict | None:
        """The task; None: no answer this time, as when the server is started anew."""
        try:
            answer = await client.get(self.url)
        except httpx.TransportError as error:
            self.log.warning("%s: %s", self.url, error)
            return None
        if answer.is_server_error:
            return None
        if answer.is_error:  # it knows no such task, or the token is wrong
            return {"active": False, "error": f"{self.url}: {answer.status_code} {answer.text}"}
        self.log.info("%s: %s %%", self.url, answer.json()["progress"])
        return answer.json()


class BobbinServeOperator(BaseOperator):
    """Has one of the servers do one shard. A retry asks the next server.

    :param urls: the servers'
    :param model: which of their models
    :param table: the table to read
    :param index: the index to fill
    :param shard: one of those that `bobbin plan --from ID --to ID --json` lists
    :param token_conn_id: a connection whose password is the servers' token
    :param stall_seconds: a shard that takes longer has failed
    """

    template_fields: Sequence[str] = ("urls", "table", "index", "shard")

    def __init__(self, *, urls: Sequence[str], model: str, table: str, index: str, shard: dict,
                 token_conn_id: str | None = None, poll_seconds: float = 30, stall_seconds: float = 24 * 3600, **kwargs):
        super().__init__(**kwargs)
        self.urls = urls
        self.model = model
        self.table = table
        self.index = index
        self.shard = shard
        self.token_conn_id = token_conn_id
        self.poll_seconds = poll_seconds
        self.stall_seconds = stall_seconds

    def execute(self, context):
        trigger = BobbinServeTrigger(self._post(self._server(context["ti"])), self.token_conn_id, self.poll_seconds)
        self.defer(trigger=trigger, method_name="resume", timeout=timedelta(seconds=self.stall_seconds))

    def resume(self, context, event: dict):
        if event["error"]:
            raise AirflowException(event["error"])

    def _server(self, ti) -> str:
        """Shards take turns, and so do tries."""
        return self.urls[(max(ti.map_index, 0) + ti.try_number - 1) % len(self.urls)]

    def _post(self, server: str) -> str:
        """Where the task's state is to be asked for."""
        first, last = ids_of(self.shard)
        connection = BaseHook.get_connection(self.token_conn_id) if self.token_conn_id else None
        answer = httpx.post(f"{server}/task", headers=headers_of(connection), timeout=TIMEOUT_SECONDS, json={
            "model_name": self.model, "table_name": self.table, "target_index": self.index, "start_id": first,
            "end_id": last})
        if answer.status_code != httpx.codes.ACCEPTED:
            raise AirflowException(f"{server}: {answer.status_code} {answer.text}")
        return f"{server}/task/{answer.json()['task_id']}"
