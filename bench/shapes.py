"""The shapes of rows that bench/run measures with: how they are made, read and indexed."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from measuring import ROOT, run

EXAMPLE = ROOT / "examples" / "openverse"
ROWS = ROOT / "bench" / "rows"


@dataclass(frozen=True)
class Shape:
    name: str
    title: str
    rows: int  # at full size
    table: str
    scripts: tuple  # SQL files that make and fill it, psql variable "rows"
    query: Path
    index: Path  # the index's body
    worker: tuple = ()  # options of the Python worker
    elasticdump_limit: int = 1000  # documents of a request
    has_targets: bool = False
    left_out: dict = field(default_factory=dict)  # key of a measurement -> why it is not taken

    def index_body(self):
        return json.loads(run([ROOT / "script" / "lib" / "plain-index", self.index]))


NOT_OPENVERSE = "its document classes are Openverse's"

SHAPES = {shape.name: shape for shape in (
    Shape(
        name="images",
        title="Openverse's images (`examples/openverse/image.sql`)",
        rows=300_000,
        table="image",
        scripts=(EXAMPLE / "schema.sql", EXAMPLE / "generate.sql"),
        query=EXAMPLE / "image.sql",
        index=EXAMPLE / "index-image.json",
        has_targets=True,
        left_out={"pgsync": "it copies a table's columns, and these documents' fields are worked out"},
    ),
    Shape(
        name="narrow",
        title="narrow rows (`bench/rows/narrow.sql`)",
        rows=3_000_000,
        table="narrow",
        scripts=(ROWS / "narrow.sql",),
        query=ROWS / "narrow-query.sql",
        index=ROWS / "narrow-index.json",
        worker=("--query", ROWS / "narrow-query.sql"),
        elasticdump_limit=10_000,
        left_out={"python-dsl": NOT_OPENVERSE},
    ),
    Shape(
        name="large",
        title="large rows (`bench/rows/large.sql`), whose text is stored but not indexed",
        rows=3_000,
        table="large",
        scripts=(ROWS / "large.sql",),
        query=ROWS / "large-query.sql",
        index=ROWS / "large-index.json",
        worker=("--query", ROWS / "large-query.sql", "--fetch", 100, "--chunk", 4),
        elasticdump_limit=4,
        left_out={"python-dsl": NOT_OPENVERSE,
                  "pgsync": "at the 2 documents a second that 120 of them took, a round would need 20 minutes"},
    ),
)}
