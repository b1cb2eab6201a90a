"""docs/aws.md is followed from its first command to its last, by AWS's own program, in moto's AWS."""

import contextlib
import subprocess

import pytest

from cloud import REGION, Cloud
from conftest import ROOT
from documents import commands_of_page
from test_aws_stack import USER_DATA, Stack

AWS = '#!/bin/sh\nexec /usr/bin/aws --endpoint-url {url} "$@"\n'
FILES = {"password": "secret", "pg_service.conf": "[product]\nhost=db\n"}


class Reader:
    """Somebody in a directory with what the page speaks of; `names`: what its examples are here."""

    def __init__(self, cloud, directory):
        self.directory, self.names = directory, {}
        self.env = {"PATH": f"{directory}:/usr/bin:/bin", "HOME": str(directory), "LC_ALL": "C.UTF-8", "no_proxy": "*",
                    "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": REGION}
        for name, content in {**FILES, "aws": AWS.format(url=cloud.url)}.items():
            (directory / name).write_text(content)
        (directory / "aws").chmod(0o755)
        (directory / "user-data.yaml").write_bytes(USER_DATA.read_bytes())
        self.commands = commands_of_page(ROOT / "docs/aws.md", ("aws", "data=$(gzip"))

    def follow(self, *starts):
        """The page's next commands, which begin so, in one shell; what they print."""
        script = [self.commands.pop(0) for _ in starts]
        assert all(command.startswith(start) for command, start in zip(script, starts)), script
        text = "\n".join(["set -e", *script])
        for name, here in self.names.items():
            text = text.replace(name, here)
        done = subprocess.run(["bash", "-c", text], cwd=self.directory, env=self.env, capture_output=True, text=True,
                              check=False, timeout=120)
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
        return done.stdout

    def deploy(self, template, given):
        (self.directory / "workers.cfn.yaml").write_text(template)
        self.names.update({"vpc-1": given["Vpc"], "subnet-1,subnet-2": given["Subnets"], "ARN,ARN": given["SecretArns"]})
        self.follow("data=", "aws cloudformation deploy")


@pytest.fixture
def cloud(tmp_path):
    with contextlib.closing(Cloud(tmp_path / "log")) as cloud:
        yield cloud


def test_the_page_can_be_followed(cloud, tmp_path):
    directory = tmp_path / "reader"
    directory.mkdir()
    reader = Reader(cloud, directory)
    reader.follow("aws secretsmanager", "aws ssm")
    secret = cloud.client("secretsmanager").get_secret_value(SecretId="bobbin/password")
    assert secret["SecretString"] == FILES["password"]
    service = cloud.client("ssm").get_parameter(Name="/bobbin/pg_service", WithDecryption=True)["Parameter"]
    assert (service["Type"], service["Value"]) == ("SecureString", FILES["pg_service.conf"])
    stack = Stack(cloud, "product-workers", reader.deploy)
    (group,) = stack.scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    # moto knows no outputs of a stack that a change set has made.
    reader.names["GROUP"] = stack.outputs["GroupName"] = group["AutoScalingGroupName"]
    reader.follow("aws autoscaling create-or-update-tags", "aws autoscaling set-desired-capacity")
    assert stack.jobs() == ["product"] * 8
    reader.names["i-1"] = stack.instances()[0]["InstanceId"]
    assert reader.follow("aws ec2 get-console-output")
    assert reader.commands == []
