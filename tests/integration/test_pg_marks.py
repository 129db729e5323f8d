#!/usr/bin/python3
"""The marks beside PGDATA (init/postgres/datadir.h) taken away, emptied or made by hand, one by one, whatever the pod is: no
second primary, no initdb over data, nothing deleted, and one line says what is wrong."""

import dataclasses
import os

from common import lab, postgres
from lab import check, equal
from pg_cells import SINGLE, Stand, hold, one_line, promote, write_register
from pg_kills import chosen
from redis_proofs import Authority

TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"
SILENT = {"ORDAIN_REGISTER": "kubernetes"}  # no API server has this address
MARKS = (".ordain-started", ".ordain-done", ".ordain-primary", ".ordain-rewinding", ".ordain-fenced", ".ordain-cloning",
         ".ordain-waiting", ".ordain-restart", ".ordain-lock")
HANDS = {"taken away": None, "emptied": "", "made by hand": "pg-0\n"}
PRIMARY, STANDBY, DEMOTED, CLONE = "start as primary", "start as standby", "become a standby", "clone"
KEPT, REFUSED, WAITS = "clone, keep the old directory", "refuse", "wait"


@dataclasses.dataclass
class Role:
    """What a pod is: its volume, whom the register names ("me", "other"), what a start does; and what it does, with the
    words of its one line, after a hand was laid on a mark: {(mark, hand's first word): (action, words)}."""

    data: str
    named: str
    action: str
    words: str = ""
    env: dict = dataclasses.field(default_factory=dict)
    differs: dict = dataclasses.field(default_factory=dict)


UNDONE = {(".ordain-done", "taken"): (REFUSED, "its mark of the end is missing")}
REWOUND = {(".ordain-rewinding", hand): (KEPT, "") for hand in ("emptied", "made")}
BEGUN = {(".ordain-started", hand): (REFUSED, "a first initdb was begun here") for hand in ("emptied", "made")}
LOST = {(".ordain-started", hand): (REFUSED, "was not ended, and yet the register knows") for hand in ("emptied", "made")}
ROLES = {
    "the primary": Role("former", "me", PRIMARY, differs={**UNDONE, **{key: (REFUSED, "half a pg_rewind") for key in REWOUND}}),
    "a standby that was primary": Role("standby", "other", STANDBY, differs={**UNDONE, **REWOUND}),
    "a standby that was cloned": Role("clone", "other", STANDBY, differs={**BEGUN, **REWOUND}),
    "a former primary": Role("former", "other", DEMOTED, differs={**UNDONE, **REWOUND}),
    "a diverged former primary": Role("diverged", "other", KEPT, differs=UNDONE),
    "a primary whose volume is lost": Role("empty", "me", REFUSED, "volume was lost", differs=LOST),
    "a standby whose volume is lost": Role("empty", "other", CLONE),
    "a primary that no register names": Role("former", "me", WAITS, "the register does not answer", env=SILENT,
                                             differs=UNDONE),
    "a standby without a register": Role("clone", "other", STANDBY, env=SILENT, differs=BEGUN | {
        key: (WAITS, "the register does not answer") for key in REWOUND}),
}


class Marks:
    """pg-0 between two lives; pg-1 is the primary on timeline 2. Its commands ask a register of their own."""

    def __init__(self, one, register):
        self.one, self.stand = one, hold(one, 0)
        self.system = one.register_of()["system-identifier"]
        promote(one, 1)
        stand = self.stand
        stand.keep("former")
        stand.shell(SINGLE.format("CREATE TABLE only_here AS SELECT 1 AS one"))
        stand.keep("diverged")
        for label, begin in (("standby", lambda: stand.put("former")), ("clone", stand.volume.clear)):
            begin()
            equal(stand.exec().rc, 0, label)
            stand.keep(label)
        stand.volume.clear()
        stand.keep("empty")
        stand.register, stand.env = register, {"ORDAIN_REGISTER": "file:/cells", "ORDAIN_TIMEOUT": "20s"}

    def has(self, role, mark):
        """Whether there is anything to be taken away."""
        self.stand.put(role.data)
        return self.stand.has(mark)

    def begin(self, role, mark, hand):
        """The pod is this, and a hand was laid on a mark."""
        stand = self.stand
        stand.put(role.data)
        stand.forget_configuration()
        write_register(self.one, stand.register, system_identifier=self.system, timeline=1 if role.named == "me" else 2,
                       primary="pg-0" if role.named == "me" else "pg-1")
        if HANDS[hand] is None:
            stand.drop(mark)
        else:
            stand.mark(mark, HANDS[hand])

    def start(self, role, mark, hand):
        """One start, as the table above says, and one more."""
        stand, where = self.stand, f"{mark} {hand}"
        action, words = role.differs.get((mark, hand.split()[0]), (role.action, role.words))
        env = {**role.env, "ORDAIN_TIMEOUT": "1500ms" if action == WAITS else "20s"}
        planned = stand.plan(**env)
        equal(planned[2], action, f"{where}: {planned[0]!r}")
        before, identity = stand.pgdata_seen(), os.stat(stand.path()).st_ino if os.path.exists(stand.path()) else None
        result = stand.exec(**env)
        if action in (REFUSED, WAITS):
            equal(result.rc, 65 if action == REFUSED else 75, f"{where}: {result!r}")
            one_line(result, words)
            left = [line for line in lab.differences(before, stand.pgdata_seen()) if not line.startswith("changed: beside")]
            equal(left, [], f"{where}: touched")
            return
        equal(result.rc, 0, f"{where}: {result!r}")
        equal(os.path.exists(stand.path("standby.signal")), action != PRIMARY, f"{where}: standby.signal")
        equal(str(self.one.system_identifier(0)), self.system, f"{where}: the system identifier")
        if action in (PRIMARY, STANDBY, DEMOTED):
            equal(os.stat(stand.path()).st_ino, identity, f"{where}: the data is where it was")
        beside = [name for name in os.listdir(stand.volume.path) if ".diverged-" in name]
        equal([os.stat(stand.volume.file(name)).st_ino for name in beside], [identity] if action == KEPT else [],
              f"{where}: kept")
        seen = stand.all_seen()
        equal((stand.exec(**env).rc, lab.differences(seen, stand.all_seen())), (0, []), f"{where}: one more start")


@lab.timeout(1800)
def each_mark(world):
    """each mark taken away, emptied, made by hand, as a primary, standby, former primary, lost volume: safe, and told"""
    authority = Authority(os.path.join(world.dir, "ca"))
    account = {"token": "of-nobody", "ca.crt": authority.text("ca.crt"), "namespace": "default"}
    register = os.path.join(world.dir, "cells")
    os.mkdir(register)
    os.chmod(register, 0o777)
    with postgres(world, replicas=2, secrets={TOKEN: account}, binds=[(register, "/cells", False)]) as one:
        one.up(60)
        one.wait_healthy(30)
        marks, failed = Marks(one, register), []
        cells = [(name, mark, hand) for name, role in ROLES.items() for mark in MARKS for hand in HANDS
                 if HANDS[hand] is not None or marks.has(role, mark)]
        for name, mark, hand in chosen(cells, "marks", 12):
            marks.begin(ROLES[name], mark, hand)
            try:
                marks.start(ROLES[name], mark, hand)
            except lab.Failure as failure:
                failed.append(f"{name}: {failure}")
        equal(failed, [], "starts that ended otherwise")


def running(world):
    """on a running primary: marks that ask for a new start get one, without the mark of the birth's end it is not ready"""
    template = lab.ordain("postgres")
    template = dataclasses.replace(template, liveness=dataclasses.replace(template.liveness, period_s=0.5))
    with postgres(world, replicas=2, template=template) as one, one.guard():
        one.up(60)
        one.wait_healthy(30)
        pod = one.pods[0]
        stand = Stand(pod)
        for mark in (".ordain-fenced", ".ordain-restart"):
            starts = pod.life.started["main"]
            stand.mark(mark)
            one.wait(lambda starts=starts: pod.life.started["main"] > starts, 60, f"{mark}: a new start")
            one.wait_healthy(60)
            check(not stand.has(mark), f"{mark} is gone")
        stand.drop(".ordain-done")
        one.wait(lambda: "PGDATA.ordain-done" in pod.probe_words["readiness"] and not pod.ready, 30, "it is told",
                 lambda: pod.probe_words)
        equal(one.primaries(), ["pg-0"], "it lives")
        stand.mark(".ordain-done")
        one.wait_healthy(60)


SCENARIOS = [each_mark, running]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
