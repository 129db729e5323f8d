#!/usr/bin/python3
"""SIGKILL at every step of init and exec that changes something: what is left is never half of anything that starts, and
the next run finishes."""

import contextlib
import os
import re

from common import lab, postgres
from lab import check, equal, note
from pg_cells import SINGLE, hold, promote
from pg_kills import chosen, killed, trace

NUMBERED = re.compile(r"pgdata\.diverged-\d+-[0-9A-F]+-[0-9A-F]+$")


class Walk:
    """One start of a stand, killed at its steps, each n-th of them: from what is kept under `label`, by `command` (init,
    exec)."""

    def __init__(self, stand, label, command, **env):
        self.stand, self.label, self.env, self.kills = stand, label, env, 0
        self.command = getattr(stand, command)
        self.where = " ".join((command, "of", label, *env.values()))

    def begin(self):
        """Everything is as before the start."""
        self.stand.put(self.label)
        self.stand.forget_configuration()

    def kill(self, call, nth):
        """A run from what there is, killed at the nth call."""
        result = self.command(*lab.killed_at((), call, nth), **self.env)
        self.kills += killed(result, f"{self.where} killed at {call} {nth}")

    def all(self, judge, every):
        """JUDGE(where) looks at what a kill left, before the next run, which must succeed, and again behind it. Then
        killed again and again without setting anything back."""
        self.begin()
        steps = trace(self.stand.register, lambda *strace: self.command(*strace, **self.env))
        for call, nth in chosen(steps, self.where, every):
            self.begin()
            self.kill(call, nth)
            self.finish(judge, f"{self.where} killed at {call} {nth}")
        self.begin()
        for nth in range(1, 9):
            for call in ("renameat,rename", "unlinkat,unlink,rmdir", "openat"):
                self.kill(call, nth)
        self.finish(judge, f"{self.where} killed again and again")
        note(f"{self.where}: {self.kills} kills")

    def finish(self, judge, where):
        """The next run succeeds, and one more changes nothing."""
        judge(where, False)
        result = self.command(**self.env)
        equal(result.rc, 0, f"{where}, the next run: {result!r}")
        judge(where, True)
        before = self.stand.all_seen()
        equal(self.command(**self.env).rc, 0, f"{where}, one more run")
        equal(lab.differences(before, self.stand.all_seen()), [], f"{where}, one more run")


def beside(stand, done=True):
    """What is beside PGDATA but marks, sorted; unless DONE, what a killed writer left is none either."""
    names = set(os.listdir(stand.volume.path)) - {"pgdata"}
    return sorted(name for name in names if not name.startswith("pgdata.ordain-")
                  and (done or not name.startswith(".pgdata.ordain-")))


def never_a_primary(stand, where):
    """Whatever PGDATA has: with a control file it has the signal, so that no server could start on it as a primary."""
    if os.path.exists(stand.path("global/pg_control")):
        check(os.path.exists(stand.path("standby.signal")), f"{where}: data without standby.signal")


def streams(one, stand):
    """The pod's life begins, and its server streams from the primary."""
    stand.go_on()
    stand.pod.wait_ready(60)
    one.wait(lambda: stand.pod.name in one.streaming(1), 30, f"{stand.pod.name} streams")


@lab.timeout(1800)
def clones(world):
    """a clone killed at every step of init and exec: nothing half starts, the next run clones and streams"""
    with postgres(world, replicas=2) as one:
        one.up(60)
        stand = hold(one, 0)
        promote(one, 1)
        stand.volume.clear()
        stand.keep("nothing")

        def judge(where, done):
            never_a_primary(stand, where)
            whole = os.path.exists(stand.path("PG_VERSION"))
            check(whole == os.path.exists(stand.path("global/pg_control")), f"{where}: half a clone is in place")
            if done:
                equal(beside(stand), [], f"{where}: left over")
        for command in ("init", "exec"):
            Walk(stand, "nothing", command).all(judge, 16)
        streams(one, stand)


@contextlib.contextmanager
def former_primary(world):
    """A set whose pg-0 was replaced, and pg-0's pod before its start; kept: "clean", and "diverged" with a table more."""
    with postgres(world, replicas=2) as one:
        one.up(60)
        stand = hold(one, 0)
        promote(one, 1)
        stand.keep("clean")
        stand.shell(SINGLE.format("CREATE TABLE only_here AS SELECT 1 AS one"))
        stand.keep("diverged")
        yield stand
        streams(one, stand)


@lab.timeout(1800)
def clean_primary(world):
    """a clean former primary killed at every step of its return: its data stays, and it is not cloned"""
    with former_primary(world) as stand:
        def demoted(where, done):
            equal(beside(stand, done), [], f"{where}: a clean one is not cloned")
            check(os.path.exists(stand.path("global/pg_control")), f"{where}: the data")
        Walk(stand, "clean", "init").all(demoted, 8)
        Walk(stand, "clean", "exec").all(demoted, 8)


@lab.timeout(1800)
def diverged_primary(world):
    """a diverged former primary killed at every step of its return: kept, discarded, no row is lost"""
    with former_primary(world) as stand:
        def kept(where, done):
            found = [name for name in beside(stand) if NUMBERED.match(name)]
            old = found[0] if found else "pgdata"
            check(os.path.exists(os.path.join(stand.volume.path, old, "global/pg_control")), f"{where}: the old data")
            check(len(found) <= 1, f"{where}: {found}")
            if found:
                never_a_primary(stand, where)
            if done:
                equal(beside(stand), found, f"{where}: left over")
                equal(len(found), 1, f"{where}: it is kept")

        def discarded(where, done):
            old = stand.has(".discarded")
            if done:
                equal(beside(stand), [], f"{where}: left over")
            if old or done:
                never_a_primary(stand, where)
        for command in ("init", "exec"):
            Walk(stand, "diverged", command).all(kept, 24)
            Walk(stand, "diverged", command, ORDAIN_PG_DIVERGED="discard").all(discarded, 24)


SCENARIOS = [clones, clean_primary, diverged_primary]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
