"""Starts a program of pgsync: pgsync_start.py PROGRAM [ARGUMENT]...

Its client asks the engine's GET / for a version, which the distribution of Elasticsearch that is measured doesn't
have: here it is told. All else is pgsync's own.
"""

import os
import runpy
import sys

from elasticsearch import Elasticsearch
from elasticsearch.transport import Transport


def info(*_, **__):
    return {"version": {"number": os.environ["ELASTICSEARCH_VERSION"]}}


def trust(transport, *_, **__):
    transport._verified_elasticsearch = True


Elasticsearch.info = info
Transport._do_verify_elasticsearch = trust
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
