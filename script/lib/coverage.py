"""Judges a coverage record of lcov (geninfo(1), FILES) for script/coverage: coverage.py MODE RECORD REASONS.

REASONS has a line for each kind of line that no unit test runs: "FILE | PATTERN | WHY". FILE is a glob,
PATTERN a regular expression that is found in the line or in the line before it (a "return false" says little).
"""
import fnmatch
import pathlib
import re
import sys

ROOMS = ("src/spool/", "src/sink/")
LEAST = 95.0


def read_record(path):
    """{file: {line number: times run}}, of src/ alone."""
    files, lines = {}, {}
    for row in pathlib.Path(path).read_text().splitlines():
        if row.startswith("SF:"):
            name = row[3:]
            lines = files.setdefault(name[name.rindex("/src/") + 1:], {})
        elif row.startswith("DA:"):
            number, count = row[3:].split(",")[:2]
            lines[int(number)] = lines.get(int(number), 0) + int(count)
    return files


def read_reasons(path):
    rows = [row.split(" | ") for row in pathlib.Path(path).read_text().splitlines()
            if row and not row.startswith("#")]
    return [(glob, re.compile(pattern), why) for glob, pattern, why in rows]


def share(lines):
    return 100 * sum(count > 0 for count in lines.values()) / len(lines) if lines else 100.0


def room_of(name):
    return name[:name.rindex("/") + 1]


def uncovered(files):
    """(file, number, the line before, the line) of the rooms that are held to it."""
    for name in sorted(files):
        if room_of(name) not in ROOMS:
            continue
        text = [""] + pathlib.Path(name).read_text().splitlines()
        for number, count in sorted(files[name].items()):
            if count == 0:
                yield name, number, text[number - 1], text[number]


def unexplained(files, reasons):
    used = set()
    for name, number, before, line in uncovered(files):
        found = [i for i, (glob, pattern, _) in enumerate(reasons)
                 if fnmatch.fnmatch(name, glob) and (pattern.search(line) or pattern.search(before))]
        used.update(found)
        if not found:
            yield f"{name}:{number}: no test runs it: {line.strip()}"
    for i, (glob, pattern, _) in enumerate(reasons):
        if i not in used:
            yield f"tests/uncovered: nothing is left of: {glob} | {pattern.pattern}"


def print_table(files):
    rooms = {}
    for name, lines in sorted(files.items()):
        print(f"{share(lines):6.1f} %  {len(lines):5} lines  {name}")
        rooms.setdefault(room_of(name), {}).update({(name, n): c for n, c in lines.items()})
    print()
    for room, lines in sorted(rooms.items()):
        print(f"{share(lines):6.1f} %  {len(lines):5} lines  {room}")
    return {room: share(lines) for room, lines in rooms.items()}


def main(mode, record, reasons):
    files = read_record(record)
    if mode == "lines":
        for name, number, before, line in uncovered(files):
            print(f"{name}:{number}: {before.strip()} || {line.strip()}")
        return 0
    shares = print_table(files)
    complaints = [f"{room} has {shares[room]:.1f} %: at least {LEAST} % is wanted"
                  for room in ROOMS if shares[room] < LEAST]
    complaints += unexplained(files, read_reasons(reasons))
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
