"""packaging/aws/workers.cfn.yaml: cfn-lint has nothing to say, and moto makes of it what docs/aws.md promises.

moto knows none of Debian's images in SSM, and looks up a parameter's default even when another is given: so the
template that it gets names parameters of the test in their place.
"""

import base64
import contextlib
import gzip
import subprocess

import pytest

from cloud import REGION, Cloud
from conftest import ROOT

TEMPLATE = ROOT / "packaging/aws/workers.cfn.yaml"
USER_DATA = ROOT / "packaging/aws/user-data.yaml"
ACCOUNT = "123456789012"  # moto's
PARAMETER_MOST = 4096     # of CloudFormation
SECRETS = [f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:bobbin/password-AbCdEf",
           f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/bobbin/pg_service"]
IMAGES = "/aws/service/debian/release/12/latest/"
ARCHITECTURES = {"arm64": "arm64", "amd64": "x86_64"}  # as Debian and as EC2 call them


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with contextlib.closing(Cloud(tmp_path_factory.mktemp("moto") / "log")) as cloud:
        yield cloud


def encoded(user_data):
    """As docs/aws.md has it: gzip -9n <user-data.yaml | base64 -w0."""
    zipped = subprocess.run(["gzip", "-9n"], input=user_data, capture_output=True, check=True).stdout
    return base64.b64encode(zipped).decode()


class Stack:
    """The stack, made in a VPC with two subnets, by the call that CREATE makes of name, template and parameters."""

    def __init__(self, cloud, name, create=None, **parameters):
        self.ec2, self.formation = cloud.client("ec2"), cloud.client("cloudformation")
        self.scaling, self.iam, self.ssm = cloud.client("autoscaling"), cloud.client("iam"), cloud.client("ssm")
        self.images = self.make_images()
        given = {**self.make_network(), "SecretArns": ",".join(SECRETS), **parameters}
        self.id = name
        (create or self.create)(TEMPLATE.read_text().replace(IMAGES, "/images/"), given)
        stack = self.describe()
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def create(self, template, given):
        self.id = self.formation.create_stack(
            StackName=self.id, Capabilities=["CAPABILITY_IAM"], TemplateBody=template,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()])["StackId"]

    def describe(self):
        return self.formation.describe_stacks(StackName=self.id)["Stacks"][0]

    def make_images(self):
        images = {}
        for architecture, name in ARCHITECTURES.items():
            images[architecture] = self.ec2.register_image(Name=architecture, Architecture=name)["ImageId"]
            self.ssm.put_parameter(Name=f"/images/{architecture}", Value=images[architecture], Type="String",
                                   Overwrite=True)
        return images

    def make_network(self):
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [self.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{at}.0/24", AvailabilityZone=f"{REGION}{zone}")
                   for at, zone in enumerate("ab")]
        return {"Vpc": vpc, "Subnets": ",".join(subnet["Subnet"]["SubnetId"] for subnet in subnets)}

    def resource(self, name):
        found = self.formation.describe_stack_resource(StackName=self.id, LogicalResourceId=name)
        return found["StackResourceDetail"]["PhysicalResourceId"]

    def template(self, architecture):
        found = self.ec2.describe_launch_template_versions(
            LaunchTemplateId=self.outputs[f"{architecture}TemplateId"],
            Versions=[self.outputs[f"{architecture}TemplateVersion"]])
        return found["LaunchTemplateVersions"][0]["LaunchTemplateData"]

    def group(self):
        return self.scaling.describe_auto_scaling_groups(
            AutoScalingGroupNames=[self.outputs["GroupName"]])["AutoScalingGroups"][0]

    def instances(self):
        """Those of the group, that are there."""
        found = self.ec2.describe_instances(Filters=[
            {"Name": "tag:aws:autoscaling:groupName", "Values": [self.outputs["GroupName"]]},
            {"Name": "instance-state-name", "Values": ["pending", "running"]}])
        return [instance for reservation in found["Reservations"] for instance in reservation["Instances"]]

    def jobs(self):
        """What the instances' tags say."""
        return [{tag["Key"]: tag["Value"] for tag in instance["Tags"]}["bobbin-job"] for instance in self.instances()]

    def set_capacity(self, count):
        self.scaling.set_desired_capacity(AutoScalingGroupName=self.outputs["GroupName"], DesiredCapacity=count)

    def set_job(self, name):
        self.scaling.create_or_update_tags(Tags=[
            {"ResourceId": self.outputs["GroupName"], "ResourceType": "auto-scaling-group", "Key": "bobbin-job",
             "Value": name, "PropagateAtLaunch": True}])

    def rights(self):
        """The role's policies, and the statements of each."""
        role = self.resource("Role")
        assert self.iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
        return {name: self.iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]
                for name in self.iam.list_role_policies(RoleName=role)["PolicyNames"]}

    def delete(self):
        self.formation.delete_stack(StackName=self.id)


@pytest.fixture(scope="module")
def data():
    return encoded(USER_DATA.read_bytes())


@pytest.fixture(scope="module")
def stack(cloud, data):
    stack = Stack(cloud, "workers", UserData=data[:600], UserDataMore=data[600:])
    yield stack
    stack.delete()


def test_cfn_lint_has_nothing_to_say(cloud):
    done = subprocess.run([f"{cloud.bin}/cfn-lint", "--include-checks", "I", "--", TEMPLATE],
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_default_images_are_debians():
    text = TEMPLATE.read_text()
    for architecture in ARCHITECTURES:
        assert text.count(f"Default: {IMAGES}{architecture}\n") == 1


def test_user_data_leaves_room_for_a_query(data):
    """What the two parameters take, and Openverse's largest query beside it."""
    assert len(data) < PARAMETER_MOST
    with_query = USER_DATA.read_bytes() + (ROOT / "examples/openverse/image.sql").read_bytes()
    assert len(encoded(with_query)) < 2 * PARAMETER_MOST


def test_the_templates_shut_an_instance_in(stack):
    data = stack.template("Arm64")
    assert data["MetadataOptions"] == {"HttpEndpoint": "enabled", "HttpTokens": "required",
                                       "HttpPutResponseHopLimit": 1, "InstanceMetadataTags": "enabled"}
    assert data["InstanceInitiatedShutdownBehavior"] == "terminate"
    (disk,) = data["BlockDeviceMappings"]
    assert disk["Ebs"] == {"Encrypted": True, "DeleteOnTermination": True, "VolumeType": "gp3", "VolumeSize": 16}
    assert "KeyName" not in data and "NetworkInterfaces" not in data
    assert data["SecurityGroupIds"] == [stack.outputs["SecurityGroupId"]]
    (group,) = stack.ec2.describe_security_groups(GroupIds=data["SecurityGroupIds"])["SecurityGroups"]
    assert group["IpPermissions"] == []


def test_the_templates_differ_in_their_architecture_only(stack):
    arm, amd = stack.template("Arm64"), stack.template("Amd64")
    assert (arm.pop("ImageId"), amd.pop("ImageId")) == (stack.images["arm64"], stack.images["amd64"])
    assert arm.pop("InstanceType").startswith("t4g.") and amd.pop("InstanceType").startswith("t3")
    assert arm == amd
    assert gzip.decompress(base64.b64decode(arm["UserData"])) == USER_DATA.read_bytes()


def test_the_group_is_empty_and_takes_spot_instances_first(stack):
    group = stack.group()
    assert (group["MinSize"], group["DesiredCapacity"], group["MaxSize"]) == (0, 0, 16)
    policy = group["MixedInstancesPolicy"]
    distribution = policy["InstancesDistribution"]
    assert (distribution["OnDemandBaseCapacity"], distribution["OnDemandPercentageAboveBaseCapacity"]) == (0, 0)
    assert distribution["SpotAllocationStrategy"] == "price-capacity-optimized"
    usual = policy["LaunchTemplate"]["LaunchTemplateSpecification"]["LaunchTemplateId"]
    taken = {}
    for override in policy["LaunchTemplate"]["Overrides"]:
        template = override.get("LaunchTemplateSpecification", {}).get("LaunchTemplateId", usual)
        taken.setdefault(template, set()).add(override["InstanceType"])
    arm, amd = taken[stack.outputs["Arm64TemplateId"]], taken[stack.outputs["Amd64TemplateId"]]
    assert {"t4g.small", "c7g.medium"} <= arm and {"t3a.small", "t3.small"} <= amd
    assert not arm & amd and all(kind.partition(".")[0].endswith("g") for kind in arm)


def test_workers_come_and_go_with_the_capacity_and_know_their_job(stack):
    stack.set_job("product-20261127")
    stack.set_capacity(3)
    assert stack.jobs() == ["product-20261127"] * 3
    stack.scaling.terminate_instance_in_auto_scaling_group(InstanceId=stack.instances()[0]["InstanceId"],
                                                           ShouldDecrementDesiredCapacity=True)
    assert len(stack.instances()) == 2 and stack.group()["DesiredCapacity"] == 2
    stack.set_capacity(0)
    assert stack.instances() == []


def test_a_worker_may_read_its_secrets_and_leave_its_group(stack):
    group = f"autoScalingGroupName/{stack.outputs['GroupName']}"
    assert stack.rights() == {"worker": [
        {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue", "ssm:GetParameter"], "Resource": SECRETS},
        {"Effect": "Allow", "Action": "autoscaling:TerminateInstanceInAutoScalingGroup",
         "Resource": f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:*:{group}"}]}
    role = stack.iam.get_role(RoleName=stack.resource("Role"))["Role"]
    assert [trusted["Principal"] for trusted in role["AssumeRolePolicyDocument"]["Statement"]] == [
        {"Service": "ec2.amazonaws.com"}]


def test_a_key_of_ones_own_may_be_used_to_decrypt(cloud, data):
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
    stack = Stack(cloud, "with-key", UserData=data, KeyArn=key)
    assert stack.rights()["decrypt"] == [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key}]
    stack.delete()


def test_nothing_is_left_of_a_deleted_stack(cloud, data):
    stack = Stack(cloud, "deleted", UserData=data, Job="product")
    stack.set_capacity(2)
    assert stack.jobs() == ["product"] * 2
    role = stack.resource("Role")
    stack.delete()
    assert stack.describe()["StackStatus"] == "DELETE_COMPLETE"
    assert stack.instances() == []
    left = {found["LaunchTemplateId"] for found in stack.ec2.describe_launch_templates()["LaunchTemplates"]}
    assert left & {stack.outputs["Arm64TemplateId"], stack.outputs["Amd64TemplateId"]} == set()
    assert role not in {found["RoleName"] for found in stack.iam.list_roles()["Roles"]}
