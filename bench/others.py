"""What a user would pick instead of bobbin, fetched by package name into the cache: the commands that run it."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from measuring import ROOT, fail, run, say

CACHE = Path(os.environ.get("BOBBIN_CACHE") or Path.home() / ".cache" / "bobbin")
PYTHON_PACKAGES = ("elasticsearch==8.19.3", "psycopg2-binary==2.9.10")
PGSYNC = "pgsync==7.3.0"
ELASTICDUMP = "elasticdump@6.125.1"


def prepare(keys):
    """Fetch and build what these measurements run, so that none of them waits for it."""
    makers = {"python": python, "python-dsl": python, "go": go_worker, "go-load": go_worker,
              "pgsync": pgsync, "elasticdump": lambda: elasticdump("")}
    for maker in {makers[key] for key in keys if key in makers}:
        maker()


def python():
    """The interpreter of a virtual environment with the Python worker's packages."""
    return virtual_environment("bench-python", PYTHON_PACKAGES) / "python"


def pgsync():
    """The directory of its programs."""
    return virtual_environment("bench-pgsync", [PGSYNC])


def virtual_environment(name, packages):
    """Its directory of programs; made anew when it holds other packages."""
    environment = CACHE / name
    if not is_made_with(environment, packages):
        say(f"fetching {' and '.join(packages)}")
        shutil.rmtree(environment, ignore_errors=True)
        if not importlib.util.find_spec("ensurepip"):
            fail("the package python3-venv is missing")
        run([sys.executable, "-m", "venv", environment])
        run([environment / "bin" / "python", "-m", "pip", "install", "-q",
             "--disable-pip-version-check", *packages])
        note_made_with(environment, packages)
    return environment / "bin"


def elasticdump(version):
    """The program, for an engine of this version, and what its environment needs. It runs on Node 18 or newer."""
    directory = CACHE / "bench-elasticdump"
    if not is_made_with(directory, [ELASTICDUMP]):
        say(f"fetching {ELASTICDUMP}")
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        run(["npm", "install", "--prefix", directory, "--no-audit", "--no-fund", "--loglevel=error", ELASTICDUMP])
        note_made_with(directory, [ELASTICDUMP])
    module = directory / "node_modules" / "elasticdump"
    told = ROOT / "bench" / "elasticdump_version.js"
    return module / "bin" / "elasticdump", {"NODE_OPTIONS": f"--require={told}", "ELASTICDUMP": str(module),
                                            "ELASTICSEARCH_VERSION": version}


def go_worker():
    """The program of bench/go_worker; it wants the Go that its go.mod names."""
    cache = CACHE / "bench-go"
    program = cache / "worker"
    run(["go", "build", "-trimpath", "-buildvcs=false", "-o", program, "."], cwd=ROOT / "bench" / "go_worker",
        env={**os.environ, "GOFLAGS": "-modcacherw", "GOMODCACHE": str(cache / "modules"),
             "GOCACHE": str(cache / "build")})
    return program


def is_made_with(directory, packages):
    made = directory / "made-with"
    return made.exists() and made.read_text().split() == [*packages]


def note_made_with(directory, packages):
    (directory / "made-with").write_text("\n".join(packages))
