"""Parts of bobbin_airflow alone: python -m unittest airflow_parts, with Airflow's Python and moto at $AWS_ENDPOINT_URL."""

import logging
import os
import stat
import tempfile
import threading
import time
import unittest

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from bobbin_airflow.autoscaling import GroupIsBusy, Instance, WorkerGroup, pinned, superfluous
from bobbin_airflow.connections import environment_of
from bobbin_airflow.program import Call, Program
from bobbin_airflow.sensors import BobbinJobSensor
from bobbin_airflow.serve import ids_of
from bobbin_airflow.triggers import BobbinJobTrigger, event, state_of
from botocore.exceptions import ClientError
from botocore.stub import Stubber

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
            said = 'echo "2026-11-27T14:27:21.074Z warning: slow" >&2; echo as it is >&2'
            printed = self.call(f'echo "$1"; {said}', "{}").finish()
        self.assertEqual(printed, "{}\n")
        records = [(one.levelname, one.message) for one in caught.records]
        self.assertEqual(records, [("WARNING", "slow"), ("INFO", "as it is")])

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
        def policy(arm, x86):
            return {"InstancesDistribution": {"OnDemandBaseCapacity": 0}, "LaunchTemplate": {
                "LaunchTemplateSpecification": arm, "Overrides": [
                    {"InstanceType": "t4g.small"}, {"InstanceType": "t3.small", "LaunchTemplateSpecification": x86}]}}

        def template(name, version):
            return {"LaunchTemplateId": name, "LaunchTemplateName": f"the {name}", "Version": version}

        found = pinned(policy(template("arm", "$Latest"), template("x86", "7")), lambda one: f"new of {one[1]}")
        self.assertEqual(found, policy({"LaunchTemplateId": "arm", "Version": "new of arm"},
                                       {"LaunchTemplateId": "x86", "Version": "new of x86"}))
        self.assertEqual(pinned({"LaunchTemplateName": "a", "Version": "$Default"}, lambda template: "4"),
                         {"LaunchTemplateName": "a", "Version": "4"})

    def test_only_those_that_hold_nothing_are_ended_and_no_more_than_is_too_many(self):
        group = [Instance(f"i-{n}", frozenset({f"i-{n}", f"ip-{n}"})) for n in range(4)]
        names = [one.name for one in superfluous(group, ["ip-0.ec2.internal", "i-2"], wanted=2)]
        self.assertEqual(names, ["i-1", "i-3"])
        self.assertEqual(len(superfluous(group, ["ip-0"], wanted=2)), 2)
        self.assertEqual(superfluous(group, [], wanted=4), [])


class AGroupOfTwoJobs(unittest.TestCase):
    """In moto, at $AWS_ENDPOINT_URL."""

    def setUp(self):
        self.one, self.other = WorkerGroup("shared", "one"), WorkerGroup("shared", "other")
        self.make_version(self.one.ec2.create_launch_template)
        self.one.scaling.create_auto_scaling_group(
            AutoScalingGroupName="shared", MinSize=0, MaxSize=2, AvailabilityZones=["eu-west-1a"],
            LaunchTemplate={"LaunchTemplateName": "shared", "Version": "$Latest"})
        self.addCleanup(self.remove)

    def remove(self):
        self.one.scaling.delete_auto_scaling_group(AutoScalingGroupName="shared", ForceDelete=True)
        self.one.ec2.delete_launch_template(LaunchTemplateName="shared")

    @staticmethod
    def make_version(make):
        make(LaunchTemplateName="shared", LaunchTemplateData={"ImageId": "ami-12c6146b", "InstanceType": "t3.small"})

    def version(self):
        return self.one.describe()["LaunchTemplate"]["Version"]

    def test_it_is_pinned_once_for_a_job_and_anew_for_the_next(self):
        self.one.pin("$Latest")
        self.make_version(self.one.ec2.create_launch_template_version)
        self.one.pin("$Latest")
        self.assertEqual(self.version(), "1")
        self.other.pin("$Latest")
        self.assertEqual(self.version(), "2")

    def test_a_job_takes_no_group_that_is_at_work_and_ends_nobody_elses_instances(self):
        self.one.pin("$Latest")
        self.one.resize(2)
        with self.assertRaisesRegex(GroupIsBusy, "2 instances, of job one"):
            self.other.pin("$Latest")
        with self.assertRaises(GroupIsBusy):
            self.other.resize(1)
        self.other.empty()
        self.assertEqual(self.one.capacity(), 2)
        self.one.empty()
        self.assertEqual(self.one.capacity(), 0)
        self.other.pin("$Latest")

    def test_an_instance_that_has_left_by_itself_is_not_ended_again(self):
        """By AWS's own words, as moto answers with 500."""
        words = {"InstanceId": "i-1", "ShouldDecrementDesiredCapacity": True}
        with Stubber(self.one.scaling) as aws:
            for code in ("ValidationError", "ScalingActivityInProgress"):
                aws.add_client_error("terminate_instance_in_auto_scaling_group", code, expected_params=words)
            self.assertFalse(self.one.end("i-1"))
            with self.assertRaisesRegex(ClientError, "ScalingActivityInProgress"):
                self.one.end("i-1")


class AJob(unittest.TestCase):
    SHARDS = [{"state": "done", "holder": "ip-1:7:a"}, {"state": "held", "holder": "ip-2:7:b"},
              {"state": "free", "holder": ""}]
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
        for failed in ({"state": "done", "dead": 1}, {"state": "cancelled"}, {"state": "unknown", "error": "no job j"}):
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
