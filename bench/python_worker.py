#!/usr/bin/env python3
"""The plain Python worker that bobbin is compared with: written the usual way, like Openverse's own.

A named cursor fetches 100,000 rows at a time, the documents are built in Python, and
elasticsearch.helpers.parallel_bulk sends them in chunks of 400. Needs psycopg2 and elasticsearch 8.
"""

import argparse
import sys
from pathlib import Path

import psycopg2
from elasticsearch import Elasticsearch
from elasticsearch.helpers import parallel_bulk

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "integration"))
from openverse import BUILDERS, rows_query  # noqa: E402

FETCH_ROWS = 100_000
CHUNK_DOCUMENTS = 400


def actions(rows, columns, build, index):
    for row in rows:
        document = build(dict(zip(columns, row)))
        if document is not None:
            yield {"_index": index, "_id": str(document["id"]), "_source": document}


def move(connection, client, model, first, last, index):
    moved = 0
    with connection.cursor(name="worker") as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute(rows_query(model, "t.id BETWEEN %s AND %s"), (first, last))
        while rows := cursor.fetchmany(FETCH_ROWS):
            columns = [column.name for column in cursor.description]
            documents = actions(rows, columns, BUILDERS[model], index)
            for _ in parallel_bulk(client, documents, chunk_size=CHUNK_DOCUMENTS):
                moved += 1
    return moved


def main():
    parser = argparse.ArgumentParser(description="Move Openverse's rows into Elasticsearch.")
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--model", choices=BUILDERS, default="image")
    parser.add_argument("--from", dest="first", type=int, required=True)
    parser.add_argument("--to", dest="last", type=int, required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--index", required=True)
    options = parser.parse_args()
    connection = psycopg2.connect(options.dsn, options="-c TimeZone=UTC")
    client = Elasticsearch(options.url, request_timeout=120, max_retries=10, retry_on_timeout=True)
    try:
        moved = move(connection, client, options.model, options.first, options.last, options.index)
    finally:
        connection.close()
        client.close()
    print(f"{moved} documents")


if __name__ == "__main__":
    main()
