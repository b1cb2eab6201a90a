"""Runs DAGs to their ends, as `airflow dags test` does, one after the other: for Airflow's Python, which takes long to begin.

Each line of the input is JSON: {"file", "dag", "result"}. The file RESULT becomes JSON: the run's state, and each task's states.
"""

import json
import os
import runpy
import sys

from airflow.sdk import DAG


def run(file, dag_id):
    dag, = (value for value in runpy.run_path(file).values() if isinstance(value, DAG) and value.dag_id == dag_id)
    done = dag.test()
    tasks = {}
    for task in done.get_task_instances():
        tasks.setdefault(task.task_id, []).append(str(task.state))
    return {"state": str(done.state), "tasks": tasks}


def main():
    for line in sys.stdin:
        wish = json.loads(line)
        found = run(wish["file"], wish["dag"])
        with open(f"{wish['result']}.new", "w", encoding="utf-8") as result:
            json.dump(found, result)
        os.rename(f"{wish['result']}.new", wish["result"])


if __name__ == "__main__":
    main()
