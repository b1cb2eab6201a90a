"""Airflow tasks and DAGs that make a search index anew from PostgreSQL with bobbin.

Empty: Airflow looks for providers, so imports this, before it can be imported itself.
"""
