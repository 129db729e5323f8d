#!/usr/bin/python3
"""pg_rewind killed at every step, and ordain around it: what is left never starts, the next run clones and keeps it."""

import os

from common import lab, postgres
from lab import check, equal, note
from pg_cells import SINGLE, hold, promote
from pg_kills import KILLED, chosen, trace

REWIND = {"ORDAIN_PG_DIVERGED": "rewind"}
# Stands before the image's pg_rewind: /strace/words go in front of it.
PROGRAM = """#!/bin/bash
read -ra words </strace/words
exec "${words[@]}" /usr/local/bin/pg_rewind "$@"
"""


class Rewinds:
    """A diverged former primary before its start, pg-1 its successor, and a pg_rewind that strace may stand before."""

    def __init__(self, world):
        self.directory = os.path.join(world.dir, "strace")
        os.mkdir(self.directory)
        os.chmod(self.directory, 0o777)
        self.one = postgres(world, replicas=2, env=REWIND, binds=[(self.directory, "/strace", False)])
        programs = os.path.join(self.one.local_dir, "sbin")
        os.makedirs(programs, exist_ok=True)
        with open(os.path.join(programs, "pg_rewind"), "w", encoding="ascii") as file:
            file.write(PROGRAM)
        os.chmod(file.name, 0o755)
        self.words()
        self.kills = self.half = 0

    def words(self, *words):
        """What pg_rewind is started by."""
        with open(os.path.join(self.directory, "words"), "w", encoding="ascii") as file:
            file.write(" ".join(words) + "\n")
        os.chmod(file.name, 0o644)

    def stand(self):
        """pg-0 before its start, with a table that nobody else has."""
        self.one.up(60)
        self.one.wait_healthy(30)
        stand = hold(self.one, 0)
        promote(self.one, 1)
        stand.shell(SINGLE.format("CREATE TABLE only_here AS SELECT 1 AS one"))
        stand.keep("diverged")
        return stand

    def judge(self, stand, result, where):
        """What a kill left: never something that starts but whole; then the next run, and one more."""
        half = stand.has(".ordain-rewinding")
        whole = not half and os.path.exists(stand.path("standby.signal"))
        if result.rc not in KILLED and result.rc != 0:
            equal((result.rc, half), (75, True), f"{where}: {result!r}")
        equal(stand.plan()[2], "clone, keep the old directory" if half else "start as standby" if whole else "rewind", where)
        result = stand.exec()
        equal(result.rc, 0, f"{where}, the next run: {result!r}")
        kept = [name for name in os.listdir(stand.volume.path) if ".diverged-" in name]
        equal(len(kept), int(half), f"{where}: kept {kept}")
        check(os.path.exists(stand.path("standby.signal")) and not stand.has(".ordain-rewinding"), f"{where}: a standby")
        seen = stand.all_seen()
        equal((stand.exec().rc, lab.differences(seen, stand.all_seen())), (0, []), f"{where}, one more run")
        self.half += half


@lab.timeout(3600)
def killed_everywhere(world):
    """pg_rewind, and ordain around it, killed at every step: half a rewind never starts, it is kept, the pod is cloned"""
    rewinds = Rewinds(world)
    with rewinds.one as one:
        stand = rewinds.stand()

        def begin():
            stand.put("diverged")
            stand.forget_configuration()

        def inside(*strace):
            rewinds.words(*strace)
            try:
                return stand.exec()
            finally:
                rewinds.words()

        for what, run, directory, seen_as, every in (("exec around pg_rewind", stand.exec, stand.register, "/register", 36),
                                                     ("pg_rewind", inside, rewinds.directory, "/strace", 14)):
            begin()
            for call, nth in chosen(trace(directory, run, seen_as), what, every):
                begin()
                where = f"{what} killed at {call} {nth}"
                result = run(*lab.killed_at((), call, nth))
                rewinds.kills += result.rc != 0
                rewinds.judge(stand, result, where)
        note(f"{rewinds.kills} kills, {rewinds.half} of them left half a rewind")
        check(rewinds.half >= 2, "kills while it rewound")
        stand.go_on()
        stand.pod.wait_ready(60)
        one.wait(lambda: "pg-0" in one.streaming(1), 30, "pg-0 streams")


SCENARIOS = [killed_everywhere]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
