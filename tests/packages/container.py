"""The first process of a container, as a runtime starts it: in a mount and a process namespace of its own it makes the mounts,
goes into the root, which nobody may write to, gives up being root, and becomes the command. Its argument is all of that in JSON.
"""

import json
import os
import subprocess
import sys


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def make_mounts(root, mounts):
    mount("--bind", root, root)
    for source, place, access in mounts:
        os.makedirs(root + place, exist_ok=True)
        mount("--bind", source, root + place)
        mount("-o", f"remount,bind,{access}", root + place)
    mount("-t", "proc", "proc", root + "/proc")
    mount("-o", "remount,bind,ro", root)


def become(user, groups):
    """Without root's user there are no capabilities, and setpriv has made sure that none come back."""
    os.setgroups(groups)
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def main(container):
    make_mounts(container["root"], container["mounts"])
    with open(container["group"], "w", encoding="ascii") as processes:
        processes.write("0")
    os.chroot(container["root"])
    os.chdir(container["directory"])
    become(container["user"], container["groups"])
    os.execve(container["command"][0], container["command"], container["environment"])


main(json.loads(sys.argv[1]))
