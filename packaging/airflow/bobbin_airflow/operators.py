"""Operators: each is one command of bobbin."""

import json
from collections.abc import Sequence

from airflow.sdk import BaseOperator

from bobbin_airflow.program import Call, Program


class BobbinOperator(BaseOperator):
    """Runs `bobbin ARGUMENTS`. Any command may be run again: it goes on where it stopped.

    :param arguments: the words of the command
    :param config: its --config file
    :param program: where the program is
    :param directory: that paths in the config file are relative to
    :param postgres_conn_id: the database, instead of the config file's dsn
    :param cluster_conn_id: the cluster, instead of the config file's url, user and password
    :param returns: of what the command prints in JSON, the key whose value goes to XCom
    """

    template_fields: Sequence[str] = ("arguments", "config", "directory")

    def __init__(self, *, arguments: Sequence[str], config: str | None = None, program: str = "bobbin",
                 directory: str | None = None, postgres_conn_id: str | None = None,
                 cluster_conn_id: str | None = None, returns: str | None = None, **kwargs):
        super().__init__(**kwargs)
        self.arguments = arguments
        self.config = config
        self.program = program
        self.directory = directory
        self.postgres_conn_id = postgres_conn_id
        self.cluster_conn_id = cluster_conn_id
        self.returns = returns
        self._call: Call | None = None

    def execute(self, context):
        program = Program(self.config, self.program, self.directory, self.postgres_conn_id, self.cluster_conn_id)
        self._call = Call(program, self.arguments, self.log)
        printed = self._call.finish()
        if self.returns:
            return json.loads(printed)[self.returns]
        for line in printed.splitlines():
            self.log.info(line)
        return None

    def on_kill(self):
        if self._call:
            self._call.stop()


class BobbinWorkOperator(BobbinOperator):
    """One worker of a job, on this machine: `bobbin work`. It succeeds when all shards are done, by whomever.

    :param job: the job, which `bobbin plan` has made
    :param spool: the directory of its shards' spools, else the config file's; workers may share it
    :param options: more words
    """

    def __init__(self, *, job: str, spool: str | None = None, options: Sequence[str] = (), **kwargs):
        super().__init__(arguments=["work", job, *(["--spool", spool] if spool else []), *options], **kwargs)
