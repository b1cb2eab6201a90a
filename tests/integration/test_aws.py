"""Requests that are signed for AWS, judged by AWS's own library, and where the keys come from."""

import contextlib
import datetime

import pytest

from aws import MetadataService, SignedProxy
from jobs import CONFIG, DENIED, FINISHED, STOPPED, all_in, ledger
from refused import refuse

ROWS = 300
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEYS = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": SECRET}
SIGNED = ["--aws-region", "eu-west-1"]
SMALL = ["--window-rows", 50, "--frame-size", "4K"]
NO_KEYS = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"}


@pytest.fixture
def make_door(elasticsearch):
    doors = []

    def make(**options):
        doors.append(SignedProxy(elasticsearch, **options))
        doors[-1].know("AKID", SECRET)
        return doors[-1]

    yield make
    for door in doors:
        door.close()


@pytest.fixture
def door(make_door):
    return make_door()


@pytest.fixture
def metadata():
    with contextlib.closing(MetadataService()) as service:
        yield service


@pytest.fixture
def job(elasticsearch, make_job, database, door):
    return make_job(database.make_numbers(ROWS), elasticsearch, url=door.url)


def finished(job, result):
    assert result.returncode == FINISHED, result.stderr
    assert ledger(result.stdout) == all_in(ROWS)
    assert len(job.documents()) == ROWS
    assert SECRET not in result.stderr + result.stdout


@pytest.mark.parametrize("service", ["es", "aoss"])
@pytest.mark.parametrize("token", [None, "FQoGZXIvYXdzEJr//////////wEaD+token=="])
def test_every_request_has_the_signature_that_botocore_gives_it(
        elasticsearch, make_job, database, make_door, tmp_path, service, token):
    door = make_door(service=service)
    door.know("AKID", SECRET, token)
    elasticsearch.request("PUT", "_ingest/pipeline/a%2Cb%20c%2A", {"processors": []})
    job = make_job(database.make_numbers(ROWS), url=door.url + "/")
    job.index = "logs+ä-1"
    (tmp_path / "index.json").write_text('{"mappings": {"dynamic": false}}')
    env = {**KEYS, **({"AWS_SESSION_TOKEN": token} if token else {})}
    try:
        result = job.run(*SIGNED, "--aws-service", service, "--pipeline", "a,b c*", *SMALL,
                         "--create-index", tmp_path / "index.json", env=env)
        assert result.returncode == FINISHED, result.stderr
        assert elasticsearch.request("POST", "logs%2B%C3%A4-1/_refresh")[0] == 200
        assert elasticsearch.count("logs%2B%C3%A4-1") == ROWS
    finally:
        elasticsearch.delete_index("logs%2B%C3%A4-1")
    assert door.refused == []
    assert set(door.seen) == {("AKID", token)} and len(door.seen) > 10


def test_what_is_sent_again_is_signed_again(job, door):
    answers = iter([(429, b"{}"), (413, b"{}"), (503, b"{}"), (413, b"{}")])
    door.answer = lambda _: next(answers, None)
    finished(job, job.run(*SIGNED, *SMALL, env=KEYS))
    assert door.refused == []


def test_a_request_that_is_not_signed_is_refused(job, door):
    """So that the tests above can fail."""
    refuse(job.run(), DENIED, "Missing Authentication Token")
    assert door.refused == ["Missing Authentication Token"]


@pytest.mark.parametrize("options, env, words", [
    (SIGNED, {**KEYS, "AWS_SECRET_ACCESS_KEY": "wrong"}, ["signature we calculated"]),
    (["--aws-region", "us-east-1"], KEYS, ["scoped to a valid region"]),
    ([*SIGNED, "--aws-service", "aoss"], KEYS, ["scoped to"]),
    (SIGNED, {**KEYS, "AWS_ACCESS_KEY_ID": "AKOTHER"}, ["security token"]),
])
def test_wrong_keys_region_and_service_are_77(job, options, env, words):
    result = job.run(*options, env=env)
    refuse(result, DENIED, "403", *words)
    assert SECRET not in result.stderr


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wrong_clock_is_called_so(job, door, hours):
    door.clock_offset = datetime.timedelta(hours=hours)
    refuse(job.run(*SIGNED, env=KEYS), DENIED, "403", "Signature", "clock is wrong")


def test_without_keys_it_is_78_and_says_where_they_could_be(job):
    refuse(job.run(*SIGNED, env=NO_KEYS), CONFIG, "AWS_ACCESS_KEY_ID", ".aws/credentials")


def test_a_user_beside_a_region_is_78(job):
    env = {**KEYS, "BOBBIN_USER": "me", "BOBBIN_PASSWORD": "x"}
    refuse(job.run(*SIGNED, env=env), CONFIG, "signed for AWS")


def test_the_shared_files_profile_is_taken(job, door, tmp_path):
    path = tmp_path / "credentials"
    path.write_text(f"[default]\naws_access_key_id = OTHER\naws_secret_access_key = x\n\n"
                    f"[search]\naws_access_key_id = AKID\naws_secret_access_key = {SECRET}\n")
    env = {**NO_KEYS, "AWS_SHARED_CREDENTIALS_FILE": str(path), "AWS_PROFILE": "search"}
    finished(job, job.run(*SIGNED, env=env))
    refuse(job.run(*SIGNED, "--again", env={**env, "AWS_PROFILE": "none"}), CONFIG, "profile none")


# -- roles -----------------------------------------------------------------------------------------


def test_a_containers_role_is_taken(job, door, metadata):
    door.know("ROLE", SECRET, "token")
    metadata.give("ROLE", SECRET, "token", 3600)
    env = {"HOME": "/nonexistent", "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{metadata.url}/container",
           "AWS_CONTAINER_AUTHORIZATION_TOKEN": metadata.CONTAINER_TOKEN,
           "BOBBIN_HEADER": "X-Cluster: alone"}
    finished(job, job.run(*SIGNED, env=env))
    assert set(door.seen) == {("ROLE", "token")}
    assert not any("X-Cluster" in headers for _, _, headers in metadata.requests)


@pytest.fixture
def held_role(elasticsearch, make_job, database, gate, door, metadata):
    """A job half way, with a role's credentials that are soon to expire."""
    table = database.make_numbers(ROWS)
    job = make_job(f"SELECT id, body FROM {table} WHERE gate(id = 175)", elasticsearch, url=door.url)
    door.know("FIRST", SECRET, "token-1")
    metadata.give("FIRST", SECRET, "token-1", 200)
    gate.shut()
    process = job.start(*SIGNED, *SMALL, env={
        "HOME": "/nonexistent", "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.url})
    gate.wait_until_reached()
    return job, process


def test_an_instances_role_is_renewed_before_it_expires(held_role, gate, door, metadata):
    job, process = held_role
    door.know("SECOND", SECRET, "token-2")
    metadata.give("SECOND", SECRET, "token-2", 3600)
    gate.open()
    assert job.finish(process) == FINISHED, process.stderr_text()
    assert ledger(process.stdout_text()) == all_in(ROWS)
    assert door.refused == []
    assert set(door.seen) == {("FIRST", "token-1"), ("SECOND", "token-2")}
    assert metadata.requests[-1][1].endswith("worker%20role")
    assert not any("Authorization" in headers for _, _, headers in metadata.requests)


def test_a_failing_service_does_not_stop_what_has_keys(held_role, gate, door, metadata):
    job, process = held_role
    metadata.good_rounds = 0
    gate.open()
    assert job.finish(process) == FINISHED, process.stderr_text()
    assert ledger(process.stdout_text()) == all_in(ROWS)
    assert set(door.seen) == {("FIRST", "token-1")}


def test_expired_keys_that_are_not_renewed_are_75_and_the_job_goes_on_later(
        elasticsearch, make_job, database, door, metadata):
    job = make_job(database.make_numbers(ROWS), elasticsearch, url=door.url)
    door.know("FIRST", SECRET, "token-1")
    metadata.give("FIRST", SECRET, "token-1", -1)
    env = {"HOME": "/nonexistent", "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.url}
    metadata.good_rounds = 1
    result = job.run(*SIGNED, env=env)
    refuse(result, STOPPED, "credentials have expired", "500")
    metadata.good_rounds = None
    metadata.give("FIRST", SECRET, "token-1", 3600)
    finished(job, job.run(*SIGNED, env=env))
