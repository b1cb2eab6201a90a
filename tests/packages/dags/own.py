"""DAGs of the tests: one whose documents are refused, and one by servers."""

from os import environ

from bobbin_airflow.dags import make_refresh_dag
from bobbin_airflow.workers import AutoScalingWorkers, ServeWorkers

CONFIGS = environ["OPENVERSE_CONFIGS"]
COMMON = {"directory": CONFIGS, "postgres_conn_id": "api", "cluster_conn_id": "search", "default_args": {"retries": 0}}

refused = make_refresh_dag(
    "refused", alias="image", config=f"{CONFIGS}/refused.conf", shards=2, **COMMON,
    workers=AutoScalingWorkers(group="bobbin-workers", count=2, poll_seconds=0.2))
served = make_refresh_dag(
    "served", alias="audio", config=f"{CONFIGS}/audio.conf", shards=4, deep=True, **COMMON,
    workers=ServeWorkers(urls=environ["SERVERS"].split(), table="temp_import_audio", model="audio",
                         token_conn_id="servers", poll_seconds=0.2))
