"""What the disk has lost or changed is never sent: it is dumped again."""

import shutil

import pytest

from jobs import DISK, FINISHED, NO_MAPPING, Ledger, all_in, ledger, wait_for

ROWS = 600
SMALL = ["--window-rows", 50, "--frame-size", "4K", "--segment-size", "16K"]


def segment_of(job, frame):
    return job.spool / f"{frame['segment']:08}.seg.zst"


def flip(path, at):
    """Change one bit."""
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def change_magic(job, frame):
    flip(segment_of(job, frame), frame["offset"])


def change_header(job, frame):
    flip(segment_of(job, frame), frame["offset"] + 60)


def change_body(job, frame):
    flip(segment_of(job, frame), frame["offset"] + frame["bytes"] // 2)


def change_last_byte(job, frame):
    flip(segment_of(job, frame), frame["offset"] + frame["bytes"] - 1)


def cut_segment(job, frame):
    with open(segment_of(job, frame), "r+b") as file:
        file.truncate(frame["offset"] + frame["bytes"] - 5)


def empty_segment(job, frame):
    segment_of(job, frame).write_bytes(b"")


def delete_segment(job, frame):
    segment_of(job, frame).unlink()


def zero_segment(job, frame):
    path = segment_of(job, frame)
    path.write_bytes(bytes(path.stat().st_size))


def another_segment(job, frame):
    return next(segment for segment in job.segments() if segment != segment_of(job, frame))


def put_another_segment_there(job, frame):
    segment_of(job, frame).write_bytes(another_segment(job, frame).read_bytes())


def swap_segments(job, frame):
    one, other = segment_of(job, frame), another_segment(job, frame)
    aside = one.with_suffix(".aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


ONE_FRAME = [change_magic, change_header, change_body, change_last_byte]
WHOLE_SEGMENT = [cut_segment, empty_segment, delete_segment, zero_segment, put_another_segment_there,
                 swap_segments]
NO_DATABASE = ["--dsn", "host=/nonexistent"]


@pytest.fixture
def dumped(opensearch, make_job, database):
    job = make_job(database.make_numbers(ROWS), opensearch)
    assert job.run(*SMALL, stage="dump").returncode == FINISHED
    assert len(job.segments()) > 2
    return job


def frame_in_the_middle(job):
    """One that is not at its segment's end."""
    frames = job.look("inspect")["frames"]
    middle = len(frames) // 2
    return next(frame for frame, following in zip(frames[middle:], frames[middle + 1:])
                if frame["segment"] == following["segment"])


def ids_of(frame):
    return {str(key) for key in range(int(frame["first_key"]), int(frame["last_key"]) + 1)}


@pytest.mark.parametrize("damage", ONE_FRAME + WHOLE_SEGMENT)
def test_run_dumps_what_is_damaged_again(dumped, damage):
    damage(dumped, frame_in_the_middle(dumped))
    result = dumped.run(*SMALL)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert dumped.documents() == dumped.expected()


@pytest.mark.parametrize("damage", [change_body, change_last_byte, cut_segment, delete_segment])
def test_what_changes_between_its_check_and_its_resending_is_not_sent(server, make_job, database, damage):
    job = make_job(database.make_numbers(ROWS), server)
    assert job.run(*SMALL, stage="dump").returncode == FINISHED
    frame = job.look("inspect")["frames"][0]
    server.follow("when bulk do status 503")
    process = job.start(*SMALL)
    wait_for(lambda: "it is sent again" in process.stderr_text(), "the replay's complaint")
    damage(job, frame)
    server.follow()
    assert job.finish(process) == FINISHED, process.stderr_text()
    assert f"frame {frame['number']}: " in process.stderr_text()
    assert "are to be dumped again" in process.stderr_text()
    assert ledger(process.stdout_text()) == all_in(ROWS)
    assert job.documents() == job.expected()


@pytest.mark.parametrize("damage", ONE_FRAME + WHOLE_SEGMENT)
def test_a_replay_alone_sends_the_rest_and_never_what_is_damaged(dumped, damage):
    frame = frame_in_the_middle(dumped)
    damage(dumped, frame)
    result = dumped.run(stage="replay")
    sent = dumped.documents()
    expected = dumped.expected()
    assert result.returncode == DISK, result.stderr
    assert ledger(result.stdout) == all_in(len(sent))
    assert f"frame {frame['number']}: " in result.stderr
    assert "are to be dumped again" in result.stderr
    assert f"keys {frame['first_key']} to {frame['last_key']}" in result.stderr
    assert "key range" in result.stderr.splitlines()[-1]
    again = dumped.run(stage="replay")  # what is lost is named each time
    assert (again.returncode, ledger(again.stdout)) == (DISK, ledger(result.stdout))
    assert f"keys {frame['first_key']} to {frame['last_key']}" in again.stderr
    assert sent.items() < expected.items() and not sent.keys() & ids_of(frame)
    if damage in ONE_FRAME:
        assert expected.keys() - sent.keys() == ids_of(frame)
    result = dumped.run(*SMALL)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert dumped.documents() == expected


@pytest.mark.parametrize("damage", ONE_FRAME + WHOLE_SEGMENT)
def test_without_postgresql_what_is_damaged_is_named(dumped, damage):
    frame = frame_in_the_middle(dumped)
    damage(dumped, frame)
    for _ in range(2):
        result = dumped.run(*SMALL, *NO_DATABASE)
        assert result.returncode == DISK, result.stderr
        assert f"keys {frame['first_key']} to {frame['last_key']}" in result.stderr
        assert "key range" in result.stderr.splitlines()[-1]
        assert dumped.documents().items() < dumped.expected().items()
    result = dumped.run(*SMALL)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert dumped.documents() == dumped.expected()


@pytest.mark.sanitizers
def test_a_spool_of_which_nothing_is_left_is_dumped_again(dumped):
    for segment in dumped.segments():
        segment.unlink()
    result = dumped.run(*SMALL)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert dumped.documents() == dumped.expected()


def test_a_dump_alone_dumps_again_what_is_cut(dumped):
    cut_segment(dumped, frame_in_the_middle(dumped))
    result = dumped.run(*SMALL, stage="dump")
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, Ledger(ROWS, 0, 0, ROWS))
    assert sorted(map(int, dumped.spooled_ids())) == list(range(1, ROWS + 1))


def test_rows_that_changed_before_they_are_dumped_again_are_the_new_ones(dumped, database):
    frame = frame_in_the_middle(dumped)
    key = int(frame["first_key"])
    table = dumped.source[1]
    change_body(dumped, frame)
    database.execute(f"DELETE FROM {table} WHERE id = {key}")
    database.execute(f"UPDATE {table} SET body = 'new' WHERE id = {key + 1}")
    result = dumped.run(*SMALL)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS - 1)), result.stderr
    assert dumped.documents() == dumped.expected()


def spoil(path):
    path.write_bytes(b"\xa5" * path.stat().st_size)


def halve(path):
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size // 2)


def flip_every_page(path):
    for at in range(3 * 4096 - 1, path.stat().st_size, 4096):
        flip(path, at)


@pytest.mark.parametrize("stage", ["run", "dump", "replay"])
@pytest.mark.parametrize("damage", [spoil, halve, flip_every_page])
def test_a_damaged_index_is_told_of_and_nothing_is_sent(dumped, damage, stage):
    damage(dumped.spool / "index.mdb")
    result = dumped.run(stage=stage)
    assert result.returncode == DISK, result.stderr
    assert result.stderr.count("\n") == 1 and "index.mdb" in result.stderr
    assert "bobbin verify --rebuild" in result.stderr
    assert dumped.documents() == {}


@pytest.fixture
def small(opensearch, make_job, database):
    """A dumped job of a few segments, small enough to be damaged in many places."""
    job = make_job(database.make_numbers(60), opensearch)
    assert job.run("--window-rows", 20, "--frame-size", "4K", "--segment-size", "4K",
                   stage="dump").returncode == FINISHED
    return job


def test_with_a_changed_byte_anywhere_all_arrives_or_the_index_is_to_be_rebuilt(small, tmp_path):
    """The program itself, at bytes all over the spool; every byte is in tests/fault/."""
    expected, kept = small.expected(), tmp_path / "kept"
    small.spool.rename(kept)
    outcomes = {FINISHED: 0, DISK: 0}
    for name in sorted(path.name for path in kept.iterdir() if path.name != "lock"):
        size = (kept / name).stat().st_size
        for at in range(0, size, max(size // 12, 1)):
            shutil.copytree(kept, small.spool)
            flip(small.spool / name, at)
            result = small.run()
            outcomes[result.returncode] += 1
            if result.returncode == DISK:
                assert name == "index.mdb" and "bobbin verify --rebuild" in result.stderr
                rebuilt = small.bobbin.run(["verify", "--rebuild", small.spool])
                assert rebuilt.returncode == FINISHED, rebuilt.stderr
                result = small.run()
            assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(60)), result.stderr
            assert small.documents() == expected
            small.engine.delete_index(small.index)
            small.engine.create_index(small.index, NO_MAPPING)
            shutil.rmtree(small.spool)
    assert min(outcomes.values()) > 0
