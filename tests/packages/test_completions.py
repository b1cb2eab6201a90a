"""The shells complete what the program knows, and nothing else."""

import re

import pytest

from conftest import run

FILES = {"bash": "usr/share/bash-completion/completions/bobbin",
         "zsh": "usr/share/zsh/vendor-completions/_bobbin",
         "fish": "usr/share/fish/vendor_completions.d/bobbin.fish"}


def commands(package):
    return re.findall(r"^  ([a-z][a-z -]*?) {2,}", run(package.program, "--help"), re.M)


def options(package, command):
    return set(re.findall(r"^  (--[a-z-]+)", run(package.program, *command.split(), "--help"), re.M))


def bash(package, *words):
    script = f'. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _bobbin 2>/dev/null; echo "${{COMPREPLY[@]}}"'
    return set(run("bash", "-c", script, "bash", package.root / FILES["bash"], "bobbin", *words).split())


def fish(package, line):
    out = run("fish", "-c", f"source {package.root / FILES['fish']}; complete -C '{line}'")
    return {row.split("\t")[0] for row in out.splitlines()}


# What zsh's own completion functions would be asked to offer.
ZSH = """
_arguments() { print -rl -- ${(M)${@#\\*}:#--*} }
_describe() { print -rl -- ${(P)2} }
compadd() { print -rl -- $@ }
words=(bobbin "${@:2}")
CURRENT=$#words
source $1
"""


def zsh(package, *words):
    out = run("zsh", "-f", "-c", ZSH, "zsh", package.root / FILES["zsh"], *words)
    offered = {re.split(r"[:\[]", row)[0] for row in out.splitlines()}
    return {word for word in offered if word.startswith(words[-1])}  # as zsh does


@pytest.mark.parametrize("shell", FILES)
def test_the_file_is_in_the_shells_language(package, shell):
    run(shell, "-n", package.root / FILES[shell])


def test_bash_offers_each_command_the_options_that_it_takes(package):
    names = commands(package)
    assert len(names) > 25
    for name in names:
        assert bash(package, *name.split(), "--") == options(package, name) | {"--help"}, name


def test_fish_offers_each_command_the_options_that_it_takes(package):
    for name in ("run", "work", "index filter", "refresh", "refresh sql", "dead retry", "serve"):
        assert fish(package, f"bobbin {name} --") == options(package, name), name


def test_zsh_offers_each_command_the_options_that_it_takes(package):
    for name in commands(package):
        assert zsh(package, *name.split(), "--") == options(package, name) | {"--help"}, name


def test_commands_of_two_words_and_choices_are_completed(package):
    assert bash(package, "refr") == {"refresh"}
    assert bash(package, "job", "") >= {"list", "show", "watch", "cancel", "delete", "retry-dead"}
    assert bash(package, "run", "--op", "") == {"index", "create", "update", "delete"}
    assert fish(package, "bobbin job re") == {"retry-dead"}
    assert fish(package, "bobbin run --op ") == {"index", "create", "update", "delete"}
    assert zsh(package, "job", "") >= {"list", "show", "watch", "cancel", "delete", "retry-dead"}
    assert zsh(package, "") >= {"run", "job", "refresh", "serve"}
