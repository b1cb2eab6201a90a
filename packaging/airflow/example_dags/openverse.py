"""Openverse's data refresh: images by an Auto Scaling group, audio by two workers of this machine, and both filtered indexes.

The config files are those of bobbin's examples/openverse (refresh.conf), one for each model.
"""

from datetime import timedelta
from os import environ

from bobbin_airflow.dags import make_filtered_index_dag, make_refresh_dag
from bobbin_airflow.workers import AutoScalingWorkers, LocalWorkers

CONFIGS = environ.get("OPENVERSE_CONFIGS", "/etc/bobbin/openverse")

WORKERS = {
    "image": AutoScalingWorkers(group="bobbin-workers", count=8),
    "audio": LocalWorkers(count=2),
}
SHARDS = {"image": 64, "audio": 16}

for model, workers in WORKERS.items():
    config = f"{CONFIGS}/{model}.conf"
    globals()[f"{model}_data_refresh"] = make_refresh_dag(
        model, config=config, directory=CONFIGS, workers=workers, shards=SHARDS[model], schedule=timedelta(weeks=1))
    globals()[f"{model}_filtered_index"] = make_filtered_index_dag(model, config=config, directory=CONFIGS)
