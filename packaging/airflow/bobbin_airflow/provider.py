"""What Airflow shows of this package: `airflow providers list`."""


def get_provider_info() -> dict:
    """The entry point apache_airflow_provider."""
    integration = {"integration-name": "bobbin", "tags": ["software"]}
    return {
        "package-name": "bobbin-airflow",
        "name": "bobbin",
        "description": "Makes a search index anew from PostgreSQL, without downtime",
        "integrations": [integration],
        "operators": [{"integration-name": "bobbin", "python-modules": [
            "bobbin_airflow.operators", "bobbin_airflow.autoscaling_operators", "bobbin_airflow.serve"]}],
        "sensors": [{"integration-name": "bobbin", "python-modules": ["bobbin_airflow.sensors"]}],
        "triggers": [{"integration-name": "bobbin", "python-modules": ["bobbin_airflow.triggers"]}],
    }
