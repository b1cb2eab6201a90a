"""Bad input gets one clear line and the documented exit code, and nothing is written."""

import hashlib
import re

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z error: [^\n]+\n")
TOLD_BEFORE = re.compile(r'\S+ no unique index proves key "\w+": all keys are read once to check it\n')


def content(directory):
    """All that is in a directory: path -> its hash. LMDB's lock file says who reads now."""
    return {str(path.relative_to(directory)): path.is_file() and
            hashlib.sha256(path.read_bytes()).hexdigest()
            for path in directory.rglob("*") if path.name != "index.mdb-lock"}


def refuse(result, code, *words):
    """RESULT is one line of error that has all WORDS in it, and exit CODE."""
    told = TOLD_BEFORE.sub("", result.stderr)
    assert LINE.fullmatch(told), result.stderr
    assert result.returncode == code, result.stderr
    for word in words:
        assert word in told


def assert_untouched(job):
    assert not job.spool.exists()
    assert job.documents() == {}


def changed(job, **options):
    """The arguments of JOB's run with other values; None leaves an option out."""
    words = list(map(str, job.arguments("run")))
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if option in words:
            at = words.index(option)
            del words[at:at + 2]
        if value is not None:
            words += [option, str(value)]
    return words
