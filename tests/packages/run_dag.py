"""Runs one DAG of a file to its end, as `airflow dags test` does: run_dag.py FILE DAG RESULT. For Airflow's Python.

RESULT becomes JSON: the run's state, and each task's (of a mapped one a list).
"""

import json
import runpy
import sys
from pathlib import Path

from airflow.sdk import DAG


def main():
    file, dag_id, result = sys.argv[1:]
    dag, = (value for value in runpy.run_path(file).values() if isinstance(value, DAG) and value.dag_id == dag_id)
    run = dag.test()
    tasks = {}
    for task in run.get_task_instances():
        tasks.setdefault(task.task_id, []).append(str(task.state))
    Path(result).write_text(json.dumps({"state": str(run.state), "tasks": tasks}), encoding="utf-8")


if __name__ == "__main__":
    main()
