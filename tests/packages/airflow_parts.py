"""Parts of bobbin_airflow alone: python -m unittest airflow_parts, with Airflow's Python."""

import logging
import os
import stat
import tempfile
import threading
import time
import unittest

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from bobbin_airflow.autoscaling import Instance, pinned, superfluous
from bobbin_airflow.connections import environment_of
from bobbin_airflow.program import Call, Program
from bobbin_airflow.sensors import BobbinJobSensor
from bobbin_airflow.serve import ids_of
from bobbin_airflow.triggers import BobbinJobTrigger, event, state_of

LOG = logging.getLogger("parts")


class ACommand(unittest.TestCase):
    """With a program that does what the test needs."""

    def call(self, script, *arguments):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        path = os.path.join(directory, "bobbin")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{script}\n")
        os.chmod(path, stat.S_IRWXU)
        return Call(Program(program=path), arguments, LOG)

    def test_what_may_pass_is_tried_again_and_nothing_else(self):
        for status in (64, 65, 70, 74, 77, 78):
            with self.assertRaisesRegex(AirflowFailException, f"status {status}: no such index"):
                self.call(f"echo '2026-11-27T14:27:21.074Z error: no such index' >&2; exit {status}").finish()
        for end in ("exit 75", "kill -9 $$"):
            with self.assertRaises(AirflowException) as caught:
                self.call(end).finish()
            self.assertNotIsInstance(caught.exception, AirflowFailException)

    def test_what_it_says_is_logged_and_what_it_prints_is_given_back(self):
        with self.assertLogs(LOG, logging.INFO) as caught:
            printed = self.call('echo "$1"; echo "2026-11-27T14:27:21.074Z warning: slow" >&2; echo as it is >&2', "{}").finish()
        self.assertEqual(printed, "{}\n")
        self.assertEqual([(one.levelname, one.message) for one in caught.records], [("WARNING", "slow"), ("INFO", "as it is")])

    def test_a_kill_lets_it_stop_well(self):
        call = self.call("trap 'echo stopped; exit 75' TERM; echo begun >&2; while :; do sleep 0.05; done")
        with self.assertLogs(LOG) as caught:
            killer = threading.Thread(target=lambda: (self.wait_for_line(caught), call.stop()))
            killer.start()
            with self.assertRaisesRegex(AirflowException, "status 75"):
                call.finish()
            killer.join()

    @staticmethod
    def wait_for_line(caught):
        while not caught.records:
            time.sleep(0.01)


class Connections(unittest.TestCase):
    def test_they_become_the_environment(self):
        postgres = Connection(conn_id="a", conn_type="postgres", host="db", port=5433, login="o'hara", password="p w",
                              schema="shop", extra='{"sslmode": "require", "other": "x"}')
        cluster = Connection(conn_id="b", conn_type="http", host="es", schema="https", login="me", password="secret")
        self.assertEqual(environment_of({"postgres": postgres, "cluster": cluster}), {
            "BOBBIN_DSN": "host='db' port='5433' user='o\\'hara' dbname='shop' sslmode='require'", "PGPASSWORD": "p w",
            "BOBBIN_URL": "https://es:9200", "BOBBIN_USER": "me", "BOBBIN_PASSWORD": "secret"})

    def test_an_api_key_stands_instead_of_a_user(self):
        cluster = Connection(conn_id="b", conn_type="http", host="es", port=9201, login="me", extra='{"api_key": "k"}')
        self.assertEqual(environment_of({"cluster": cluster}), {"BOBBIN_URL": "http://es:9201", "BOBBIN_API_KEY": "k"})


class AGroup(unittest.TestCase):
    def test_all_of_its_templates_are_pinned(self):
        def template(name, version):
            return {"LaunchTemplateId": name, "LaunchTemplateName": f"the {name}", "Version": version}

        policy = {"LaunchTemplate": {"LaunchTemplateSpecification": template("arm", "$Latest"), "Overrides": [
            {"InstanceType": "t4g.small"}, {"InstanceType": "t3.small", "LaunchTemplateSpecification": template("x86", "7")}]},
            "InstancesDistribution": {"OnDemandBaseCapacity": 0}}
        self.assertEqual(pinned(policy, {"arm": "3", "x86": "9"}.get), {
            "LaunchTemplate": {"LaunchTemplateSpecification": {"LaunchTemplateId": "arm", "Version": "3"}, "Overrides": [
                {"InstanceType": "t4g.small"},
                {"InstanceType": "t3.small", "LaunchTemplateSpecification": {"LaunchTemplateId": "x86", "Version": "9"}}]},
            "InstancesDistribution": {"OnDemandBaseCapacity": 0}})

    def test_only_those_that_hold_nothing_are_ended_and_no_more_than_is_too_many(self):
        group = [Instance(f"i-{n}", frozenset({f"i-{n}", f"ip-{n}"})) for n in range(4)]
        names = [one.name for one in superfluous(group, ["ip-0.ec2.internal", "i-2"], wanted=2)]
        self.assertEqual(names, ["i-1", "i-3"])
        self.assertEqual(len(superfluous(group, ["ip-0"], wanted=2)), 2)
        self.assertEqual(superfluous(group, [], wanted=4), [])


class AJob(unittest.TestCase):
    SHARDS = [{"state": "done", "holder": "ip-1:7:a"}, {"state": "held", "holder": "ip-2:7:b"}, {"state": "free", "holder": ""}]
    JOB = {"state": "open", "shards": SHARDS, "shards_done": 1, "acknowledged": 5, "dead": 1, "rows": 9}

    def test_it_is_waited_for_until_something_happens(self):
        self.assertIsNone(state_of(self.JOB, None))
        self.assertIsNone(state_of(self.JOB, 2))
        self.assertEqual(state_of(self.JOB, 3), "superfluous")
        self.assertEqual(state_of(self.JOB | {"state": "cancelled"}, None), "cancelled")
        self.assertEqual(state_of(self.JOB | {"shards_done": 3}, 3), "done")
        self.assertEqual(event("superfluous", self.JOB), {
            "state": "superfluous", "acknowledged": 5, "dead": 1, "unfinished": 2, "holders": ["ip-2"]})

    def test_only_a_job_that_is_whole_is_a_success(self):
        sensor = BobbinJobSensor(task_id="wait", job="j")
        sensor.resume({}, {"state": "done", "acknowledged": 5, "dead": 0})
        for failed in ({"state": "done", "dead": 1}, {"state": "cancelled"}, {"state": "unknown", "error": "there is no job j"}):
            with self.assertRaises(AirflowFailException):
                sensor.resume({}, failed)
        with self.assertRaisesRegex(AirflowException, "no progress"):
            sensor.resume({}, {"state": "stalled"})

    def test_a_trigger_is_the_same_after_its_way_through_the_database(self):
        trigger = BobbinJobTrigger("j", Program(config="c").asdict(), 1, 2, 3)
        name, words = trigger.serialize()
        self.assertEqual(name, "bobbin_airflow.triggers.BobbinJobTrigger")
        self.assertEqual(BobbinJobTrigger(**words).serialize(), trigger.serialize())


class AShard(unittest.TestCase):
    def test_its_ids_are_inclusive(self):
        self.assertEqual(ids_of({"from": "-5", "to": "77"}), (-5, 77))
        self.assertEqual(ids_of({"after": "77", "to": "90"}), (78, 90))


if __name__ == "__main__":
    unittest.main()
