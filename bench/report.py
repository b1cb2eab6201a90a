"""What bench/run has measured, as Markdown and as JSON: ratios, targets, medians and spread."""

import os
import statistics
from dataclasses import asdict

from measuring import median, table
from measurements import MEASUREMENTS

RATIOS = (  # key, of which figure, measured, compared with; less is better
    ("run_wall_by_worker", "wall", "run", "python"),
    ("run_wall_by_dsl_worker", "wall", "run", "python-dsl"),
    ("run_wall_by_go_worker", "wall", "run", "go"),
    ("load_wall_by_go_loader", "wall", "load", "go-load"),
    ("load_wall_by_elasticdump", "wall", "load", "elasticdump"),
    ("run_cpu_by_worker", "cpu", "run", "python"),
    ("run_cpu_by_go_worker", "cpu", "run", "go"),
    ("dump_wall_by_copy", "wall", "dump", "copy"),
    ("replay_wall_by_curl", "wall", "replay", "curl"),
)
STAGES = ("dump", "replay", "run")


class Results:
    """The rounds of one shape: each a dict of figures by the measurement's key."""

    def __init__(self, bench, rows, rounds, left_out):
        self.shape = bench.shape
        self.rows = rows
        self.documents = bench.source.documents
        self.bytes = bench.bytes
        self.rounds = rounds
        self.left_out = left_out

    def has(self, *keys):
        return all(key in self.rounds[0] for key in keys)

    def middle(self, value):
        """The median of the rounds' values."""
        return statistics.median(map(value, self.rounds))

    def run_limit(self, taken):
        """Seconds of a round's run that moves as fast as the slower limit, and as the cores can do the work."""
        whole = taken["run"].engine + taken["run"].postgresql + taken["run"].cpu
        return max(taken["copy"].wall, taken["curl"].wall, whole / os.cpu_count())

    def ratios(self):
        found = {key: self.middle(lambda taken: getattr(taken[name], figure) / getattr(taken[other], figure))
                 for key, figure, name, other in RATIOS if self.has(name, other)}
        if self.has("run", "copy", "curl"):
            found["run_wall_by_limit"] = self.middle(lambda taken: taken["run"].wall / self.run_limit(taken))
        if self.has("run"):
            found["run_rss_mib"] = max(taken["run"].rss for taken in self.rounds)
        return found

    def as_json(self):
        return {"documents": self.documents, "bytes": self.bytes, "cores": os.cpu_count(), "ratios": self.ratios(),
                "names": {key: MEASUREMENTS[key].name.replace("`", "") for key in self.rounds[0]},
                "left_out": self.left_out,
                "rounds": [{key: asdict(figures) for key, figures in taken.items()} for taken in self.rounds]}

    # --- Markdown

    def goals(self):
        """Rows of what is measured and what it should be at most: text, value, limit, format."""
        ratios = self.ratios()
        for text, key, most in (("`dump`: wall time by the COPY limit's", "dump_wall_by_copy", 1.05),
                                ("`replay`: wall time by the curl limit's", "replay_wall_by_curl", 1.05),
                                ("`run`: wall time by the greatest of the two limits' and all CPU time by the cores",
                                 "run_wall_by_limit", 1.10)):
            if key in ratios:
                yield text, ratios[key], most, "{:.2f}"
        if self.has("dump", "replay"):
            cpu = self.middle(lambda taken: taken["dump"].cpu + taken["replay"].cpu)
            yield "`dump` and `replay`: CPU us a document", cpu / self.documents * 1e6, 12, "{:.1f}"
        if self.has(*STAGES):
            rss = max(taken[stage].rss for taken in self.rounds for stage in STAGES)
            yield "highest peak RSS of all three, MiB", rss, 24, "{:.1f}"

    def goals_table(self):
        if not any(self.goals()):
            return []
        if not self.shape.has_targets:
            return table(["ratio", "measured"], [(text, form.format(value)) for text, value, _, form in self.goals()])
        return table(["target", "measured", "at most", ""], [
            (text, form.format(value), form.format(most), "met" if value <= most else "missed")
            for text, value, most, form in self.goals()])

    def row(self, key):
        measurement = MEASUREMENTS[key]
        middle = median(taken[key] for taken in self.rounds)
        walls = [taken[key].wall for taken in self.rounds]
        ratio = ""
        if self.has(measurement.limit):
            ratio = f"{self.middle(lambda taken: taken[key].wall / taken[measurement.limit].wall):.2f}"
        return (measurement.name, f"{middle.wall:.2f}", f"{min(walls):.2f} - {max(walls):.2f}",
                f"{self.documents / middle.wall:,.0f}", ratio, f"{middle.cpu / self.documents * 1e6:,.1f}",
                f"{middle.rss:,.1f}", f"{middle.disk:,.1f}", f"{middle.postgresql:.1f}", f"{middle.engine:.1f}")

    def lines(self):
        yield (f"{self.documents:,} documents of {self.bytes / self.documents:,.0f} bytes, one shard: {self.shape.title}."
               f" Medians of {len(self.rounds)}. Client, PostgreSQL and Elasticsearch share {os.cpu_count()} cores.")
        yield ""
        yield from self.goals_table()
        yield ""
        yield from table(["", "wall s", "from - to", "documents/s", "wall by its limit", "CPU us a document",
                          "peak RSS MiB", "disk MiB", "PostgreSQL CPU s", "Elasticsearch CPU s"],
                         map(self.row, self.rounds[0]))
        if self.left_out:
            yield ""
            reasons = "; ".join(f"{MEASUREMENTS[key].name}: {why}" for key, why in self.left_out.items())
            yield f"Left out: {reasons}."


def put_between_marks(text, name, lines):
    """The text with LINES between <!-- bench/run NAME --> and <!-- end NAME -->; None when they are not there."""
    begin, end = f"<!-- bench/run {name} -->\n", f"<!-- end {name} -->\n"
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    return before + begin + "\n".join(lines) + "\n" + end + after if found else None
