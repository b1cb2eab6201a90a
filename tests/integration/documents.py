"""The pages of the documentation as a reader would follow them: files that a page gives, and its commands."""

import re
import shlex
import textwrap

FILE = re.compile(r"`([\w/-]*\w\.\w+)`:$")  # the end of a paragraph that gives a file
CODE = "    "
FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CONTINUED = "\\"


def blocks(text):
    """(the paragraph before, the code) for each indented or fenced block."""
    text = FENCED.sub(lambda fenced: textwrap.indent(fenced[1], CODE), text)
    before, code, found = "", [], []
    for line in [*text.splitlines(), "end"]:
        if line.startswith(CODE) and (code or not before.strip()):
            code.append(line[len(CODE):])
        elif code and not line.strip():
            code.append("")
        else:
            if code:
                found.append((last, textwrap.dedent("\n".join(code)).strip("\n") + "\n"))
            code = []
            if line.strip() and (not before.strip()):
                paragraph = line
            elif line.strip():
                paragraph += " " + line
            before = line
            if line.strip():
                last = paragraph
    return found


def program(line):
    """The first word behind variables; "" when there is none."""
    return next((word for word in line.split() if not re.fullmatch(r"[A-Z_]+=\S+", word)), "")


def commands(code, programs):
    """The commands of a block: lines that begin with one of PROGRAMS, with those that continue them."""
    lines, found = iter(code.splitlines()), []
    for line in lines:
        if program(line) not in programs:
            continue
        while line.endswith(CONTINUED):
            line = line[:-1] + " " + next(lines).strip()
        found.append(" ".join(line.split()))
    return found


def commands_of_page(page, programs):
    """All of a page, a path."""
    return [command for _, code in blocks(page.read_text()) for command in commands(code, programs)]


def given_file(before):
    """The name of the file that a block is; None if the paragraph BEFORE it doesn't end with one."""
    match = FILE.search(before)
    return match[1] if match else None


def bobbin_words(command):
    """The arguments of the bobbin in a command, without what the shell takes."""
    words = shlex.split(command.split("bobbin ", 1)[1], comments=True)
    for stop in ("|", ">", "&&", ";"):
        if stop in words:
            words = words[:words.index(stop)]
    return words


def mentions(text):
    """What stands behind the bobbin of each one that is quoted within a line, not in a block."""
    lines = [line for line in FENCED.sub("", text).splitlines() if not line.startswith(CODE)]
    return re.findall(r"`bobbin ([^`]+)`", "\n".join(lines))
