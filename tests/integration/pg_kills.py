"""SIGKILL at every step of a command that changes something: the steps as the command's own system calls tell them, all
of them or every n-th, and what the scenarios of test_pg_*kill*.py share."""

import os
import random
import re

from common import lab
from lab import check, equal, note

# The system calls after which the world may be another one: between two of them a kill changes nothing.
CALLS = ("openat,write,pwrite64,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,symlink,symlinkat,link,linkat,"
         "fsync,fdatasync,syncfs,fchmod,chmod,fchmodat,fchown,chown,fchownat,flock,utimensat,ftruncate,connect,sendto")
TRACE = ("strace", "-f", "-qq", "-e", f"trace=execve,{CALLS}", "-o")
LINE = re.compile(r"^(\d+) +(\w+)\((.*)")
WRITES = re.compile(r"\bO_(WRONLY|RDWR|CREAT|TRUNC)\b")
PLACES = (21, 34, 55, 89, 144, 233, 377, 610, 987)  # where calls are killed of which there are more than 20
KILLED = (-9, 137)  # as the first process of its namespace strace cannot end itself by the signal


def steps_of(text):
    """[(call, nth)] in a trace's order: calls that change something, counted as strace counts for its injections (each
    process its own). What the program is that `exec` becomes is not asked: the first process's second one ends its list."""
    counts, programs, found, first = {}, {}, [], None
    for line in text.splitlines():
        match = LINE.match(line)
        if not match:
            continue
        pid, call, rest = match.groups()
        first = first or pid
        if call == "execve":
            programs[pid] = programs.get(pid, 0) + 1
        if call == "execve" or (pid == first and programs[pid] > 1):
            continue
        nth = counts[pid, call] = counts.get((pid, call), 0) + 1
        told = call in ("write", "sendto") and rest.startswith(("1, ", "2, "))  # words for people
        if not told and (call != "openat" or WRITES.search(rest)) and (nth <= 20 or nth in PLACES):
            found.append((call, nth))
    return list(dict.fromkeys(found))


def trace(directory, run, seen_as="/register"):
    """RUN(strace words) to its end; its steps. DIRECTORY is what the command sees as SEEN_AS."""
    path = os.path.join(directory, ".trace")
    with open(path, "wb"):
        os.chmod(path, 0o666)
    try:
        result = run(*TRACE, f"{seen_as}/.trace")
        equal(result.rc, 0, f"the traced run: {result!r}")
        with open(path, encoding="utf-8", errors="replace") as file:
            return steps_of(file.read())
    finally:
        os.unlink(path)


def chosen(steps, what, every=1):
    """Every n-th of the steps, from a phase that is printed. KILL_EVERY=1 takes all of them, KILL_PHASE=p one run's again."""
    every = int(os.environ.get("KILL_EVERY") or every)
    phase = int(os.environ.get("KILL_PHASE") or random.SystemRandom().randrange(every)) % every
    note(f"{what}: {len(steps)} steps, each {every}. from KILL_PHASE={phase}")
    return steps[phase::every]


def killed(result, where):
    """True when the kill came; else it must have ended well."""
    check(result.rc == 0 or result.rc in KILLED, f"{where}: {result!r}")
    return result.rc != 0
