#!/usr/bin/env python3
"""The Python worker that bobbin is compared with: written the usual way, in the steps of Openverse's own.

A named cursor fetches 100,000 rows, their documents are built in Python, and
elasticsearch.helpers.parallel_bulk sends them in chunks of 400. With --dsl each document is an
elasticsearch.dsl.Document on its way, as in Openverse. With --query the columns of a row are its document.
Needs psycopg2 and elasticsearch 8.
"""

import argparse
import sys
from pathlib import Path

import psycopg2
from elasticsearch import Elasticsearch
from elasticsearch.dsl import Document
from elasticsearch.helpers import parallel_bulk

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "integration"))
from openverse import BUILDERS, rows_query  # noqa: E402

FETCH_ROWS = 100_000
CHUNK_DOCUMENTS = 400


class Image(Document):
    class Index:
        name = "image"


class Audio(Document):
    class Index:
        name = "audio"


DSL_MODELS = {"image": Image, "audio": Audio}


def plain_action(model, document):
    return {"_id": str(document["id"]), "_source": document}


def dsl_action(model, document):
    return DSL_MODELS[model](_id=str(document["id"]), **document).to_dict(include_meta=True)


def without_nulls(row):
    return {name: value for name, value in row.items() if value is not None}


def actions(rows, columns, options):
    build = without_nulls if options.query else BUILDERS[options.model]
    make_action = dsl_action if options.dsl else plain_action
    built = []
    for row in rows:
        document = build(dict(zip(columns, row)))
        if document is not None:
            action = make_action(options.model, document)
            action["_index"] = options.index
            built.append(action)
    return built


def execute(cursor, options):
    if options.query:
        cursor.execute(options.query.read_text())
    else:
        cursor.execute(rows_query(options.model, "t.id BETWEEN %s AND %s"),
                       (options.first, options.last))


def move(connection, client, options):
    moved = 0
    with connection.cursor(name="worker") as cursor:
        cursor.itersize = options.fetch
        execute(cursor, options)
        while rows := cursor.fetchmany(options.fetch):
            columns = [column.name for column in cursor.description]
            built = actions(rows, columns, options)
            moved += len(list(parallel_bulk(client, built, chunk_size=options.chunk)))
    return moved


def main():
    parser = argparse.ArgumentParser(description="Move rows into Elasticsearch.")
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--model", choices=BUILDERS, default="image")
    parser.add_argument("--from", dest="first", type=int, default=1)
    parser.add_argument("--to", dest="last", type=int, default=0)
    parser.add_argument("--query", type=Path)
    parser.add_argument("--fetch", type=int, default=FETCH_ROWS)
    parser.add_argument("--chunk", type=int, default=CHUNK_DOCUMENTS)
    parser.add_argument("--url", required=True)
    parser.add_argument("--index", required=True)
    parser.add_argument("--dsl", action="store_true")
    options = parser.parse_args()
    connection = psycopg2.connect(options.dsn, options="-c TimeZone=UTC")
    client = Elasticsearch(options.url, request_timeout=120, max_retries=10, retry_on_timeout=True)
    try:
        moved = move(connection, client, options)
    finally:
        connection.close()
        client.close()
    print(f"{moved} documents")


if __name__ == "__main__":
    main()
