"""The DAGs: a whole refresh of a model, and its filtered index alone."""

from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG, chain

from bobbin_airflow.operators import BobbinOperator
from bobbin_airflow.workers import AutoScalingWorkers, Load, LocalWorkers, ServeWorkers

RUN = "{{ dag_run.run_after.strftime('%Y%m%d-%H%M%S-%f') }}"  # the same in all tasks and tries of a DAG run
DEFAULTS = {"start_date": datetime(2026, 1, 1, tzinfo=timezone.utc), "catchup": False, "max_active_runs": 1}
RETRIES = {"retries": 3, "retry_delay": timedelta(minutes=1)}


def new_dag(name: str, schedule, words: dict, default_args: dict | None, options: dict) -> DAG:
    """WORDS: what all of its tasks have in common. DEFAULT_ARGS and OPTIONS count more than what stands here."""
    defaults = {"tags": ["bobbin"], "default_args": RETRIES | words | (default_args or {})}
    return DAG(name, schedule=schedule, **DEFAULTS | defaults | options)


def bobbin(task_id: str, *words: str) -> BobbinOperator:
    return BobbinOperator(task_id=task_id, arguments=list(words))


def filtering_tasks(source: str, filtered: str) -> list[BobbinOperator]:
    """A copy without the documents that hold a term, with its own settings in the end."""
    return [bobbin("create_filtered_index", "index", "filter", source, "--into", filtered),
            bobbin("restore_filtered_index", "index", "restore", filtered)]


def promote(index: str, alias: str, task_id: str) -> BobbinOperator:
    """A task before has counted that it is complete; by now the table may have another name, and fewer rows."""
    return bobbin(task_id, "index", "promote", index, "--alias", alias, "--even-if-incomplete")


def delete_replaced(index: str, task_id: str) -> BobbinOperator:
    return bobbin(task_id, "index", "delete", "--replaced-by", index)


def table_step(task_id: str, step: str, index: str) -> BobbinOperator:
    return bobbin(task_id, "refresh", "sql", step, "--index", index)


def make_refresh_dag(
        model: str, *, config: str, workers: LocalWorkers | AutoScalingWorkers | ServeWorkers, shards: int = 64,
        alias: str | None = None, tables: bool = True, filtered: bool = True, deep: bool = False, schedule=None,
        program: str = "bobbin", directory: str | None = None, postgres_conn_id: str | None = None,
        cluster_conn_id: str | None = None, default_args: dict | None = None, **dag_options) -> DAG:
    """The DAG `MODEL_data_refresh`: a new index, filled by WORKERS, takes the old one's place.

    :param config: bobbin's config file, one for all steps: query, table, create-index; for TABLES steps and set, for
        FILTERED terms and fields
    :param shards: eight or more for each worker
    :param alias: what searches ask; the model's name, unless given
    :param tables: whether the tables are made before, and take the live ones' place in the end
    :param deep: whether every document is compared with its row; else their numbers
    :param filtered: whether there is a second index, for ALIAS-filtered, without documents that hold a term
    """
    alias = alias or model
    index = f"{alias}-{RUN}"
    words = {"config": config, "program": program, "directory": directory, "postgres_conn_id": postgres_conn_id,
             "cluster_conn_id": cluster_conn_id}
    with new_dag(f"{model}_data_refresh", schedule, words, default_args, dag_options) as dag:
        first, last = workers.make_tasks(Load(model, index, shards))
        before = [table_step("copy_and_clean_tables", "before", index)] if tables else []
        chain(*before, bobbin("create_index", "index", "create", index), first)
        forget = [bobbin("forget_job", "job", "delete", index)] if workers.has_job else []
        chain(last, *_after_load(alias, index, tables, filtered, deep), *forget)
    return dag


def _after_load(alias: str, index: str, tables: bool, filtered: bool, deep: bool) -> list[BobbinOperator]:
    copy = f"{index}-filtered"
    return [
        bobbin("verify", "index", "verify" if deep else "count", index),
        bobbin("refresh_index", "index", "refresh", index),
        bobbin("restore_settings", "index", "restore", index),
        *(filtering_tasks(index, copy) if filtered else []),
        *([table_step("add_table_constraints", "after", index), table_step("promote_tables", "promote", index)]
          if tables else []),
        promote(index, alias, "promote_index"),
        *([promote(copy, f"{alias}-filtered", "promote_filtered_index")] if filtered else []),
        delete_replaced(index, "delete_old_index"),
        *([delete_replaced(copy, "delete_old_filtered_index")] if filtered else []),
    ]


def make_filtered_index_dag(
        model: str, *, config: str, alias: str | None = None, schedule=None, program: str = "bobbin",
        directory: str | None = None, cluster_conn_id: str | None = None, default_args: dict | None = None,
        **dag_options) -> DAG:
    """The DAG `MODEL_filtered_index`: the filtered index made anew of the live one, as when the terms have changed."""
    alias = alias or model
    copy = f"{alias}-{RUN}-filtered"
    words = {"config": config, "program": program, "directory": directory, "cluster_conn_id": cluster_conn_id}
    with new_dag(f"{model}_filtered_index", schedule, words, default_args, dag_options) as dag:
        chain(*filtering_tasks(alias, copy), promote(copy, f"{alias}-filtered", "promote_filtered_index"),
              delete_replaced(copy, "delete_old_filtered_index"))
    return dag
