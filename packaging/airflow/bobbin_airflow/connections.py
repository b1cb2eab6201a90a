"""Airflow's connections become the program's environment: so no secret stands in a command, a template or a log."""

from collections.abc import Mapping

CONNINFO_EXTRAS = ("sslmode", "sslrootcert", "sslcert", "sslkey", "options", "connect_timeout", "target_session_attrs")


def quoted(value: object) -> str:
    """A value of a conninfo string."""
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def of_postgres(connection) -> dict[str, str]:
    """host, port, login, schema (the database) and password of a PostgreSQL connection."""
    words = {"host": connection.host, "port": connection.port, "user": connection.login, "dbname": connection.schema}
    words |= {name: value for name, value in connection.extra_dejson.items() if name in CONNINFO_EXTRAS}
    environment = {"BOBBIN_DSN": " ".join(f"{name}={quoted(value)}" for name, value in words.items() if value)}
    if connection.password:
        environment["PGPASSWORD"] = connection.password
    return environment


def of_cluster(connection) -> dict[str, str]:
    """host, port, schema (http or https), login and password; or an api_key in extra."""
    address = f"{connection.schema or 'http'}://{connection.host}:{connection.port or 9200}"
    api_key = connection.extra_dejson.get("api_key")
    words = {"BOBBIN_URL": address}
    words |= {"BOBBIN_API_KEY": api_key} if api_key else {
        "BOBBIN_USER": connection.login, "BOBBIN_PASSWORD": connection.password}
    return {name: value for name, value in words.items() if value}


def environment_of(found: Mapping[str, object]) -> dict[str, str]:
    """The environment of connections by their kinds, "postgres" and "cluster"."""
    kinds = {"postgres": of_postgres, "cluster": of_cluster}
    return {name: value for kind, connection in found.items() for name, value in kinds[kind](connection).items()}
