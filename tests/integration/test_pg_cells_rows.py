#!/usr/bin/python3
"""Every row of the table of a start (roles/postgres_start.c) on real servers: the row and its sentence by `plan`, the
exit status of `plan`, `init` and `exec`, what becomes of the data; a second run changes nothing."""

import os
from contextlib import ExitStack
from dataclasses import dataclass, field

from common import TESTS, lab, postgres
from lab import check, equal, note
from pg_cells import one_line
from pg_cells_facts import Facts
from redis_proofs import Authority

GOLDEN = os.path.join(TESTS, "golden", "postgres_start.txt")
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"
# No API server has this address: the register does not answer.
SILENT = {"ORDAIN_REGISTER": "kubernetes"}
NONE = {"ORDAIN_REGISTER": "none"}
NEW = {**NONE, "ORDAIN_BIRTH": "new"}
ADOPT = {"ORDAIN_ADOPT": "true"}
WAIT, REFUSE = 75, 65


@dataclass
class Cell:
    """A cell: what PGDATA is (a function of Facts), whom the register names ("nobody", "me", "other", "standby", "old",
    "stranger", "unsaid"), who can be reached ("all", "standby", "none"); what must come: the sentence's beginning and
    the status of `init`, 0 meaning that it starts. AFTER looks at what was done."""

    sentence: str
    data: str
    named: str = "other"
    reach: str = "all"
    env: dict = field(default_factory=dict)
    rc: int = 0
    work: bool = True
    after: str = ""
    stand: int = 0


CELLS = [
    Cell("PGDATA holds files and no Postgres", "foreign", rc=REFUSE),
    Cell("PGDATA has recovery.signal or a recovery.conf", "restored", rc=REFUSE),
    Cell("PGDATA has recovery.signal or a recovery.conf", "restored_of_old", "me", rc=REFUSE),
    Cell("PGDATA's control file", "damaged", rc=REFUSE),
    Cell("PGDATA's control file", "without_control", "me", rc=REFUSE),
    Cell("a first initdb was begun here", "unmarked", "me", rc=REFUSE),
    Cell("PGDATA has another system identifier", "other_cluster", rc=REFUSE),
    Cell("PGDATA has another system identifier", "other_cluster", "me", rc=REFUSE),

    Cell("the register does not answer, which a standby", "standby", env=SILENT, work=False, after="follows"),
    Cell("the register does not answer, and only", "empty", env=SILENT, rc=WAIT),
    Cell("the register does not answer, and only", "former", env=SILENT, rc=WAIT),

    Cell("a first initdb was cut short", "half", reach="none", env=NEW, after="begun_again"),
    Cell("PGDATA is empty, and another pod", "empty", env=NEW, rc=REFUSE),
    Cell("PGDATA is empty, and another pod", "half", reach="standby", env=NONE, rc=REFUSE),
    Cell("a first install, as ORDAIN_BIRTH=new", "empty", reach="none", env=NEW, after="begun"),
    Cell("PGDATA is empty, and without a register", "empty", reach="none", env=NONE, rc=REFUSE),
    Cell("another pod of this set answers as a primary", "former", env=NONE, rc=REFUSE),
    Cell("a standby of this set has WAL of this volume's timeline", "forked", reach="standby", env=NONE, rc=REFUSE),
    Cell("the first ordinal is the primary", "former", reach="standby", env=NONE, work=False, after="primary"),
    Cell("without a register the first ordinal", "standby", env=NONE, rc=REFUSE),
    Cell("without a register the first ordinal", "rewinding", reach="none", env=NONE, rc=REFUSE),

    Cell("the register names no primary, this volume", "empty", "nobody", rc=REFUSE),
    Cell("the register names no primary, this volume", "half", "nobody", reach="standby", rc=REFUSE),
    Cell("this volume is empty, and the register names no primary and yet", "empty", "seeded", reach="none", rc=REFUSE),
    Cell("this volume is empty, and the register names no primary and yet", "empty", "other_seeded", reach="none",
         rc=REFUSE),
    Cell("this volume is empty, and the register names no primary and yet", "half", "unnamed", reach="none", rc=REFUSE),
    Cell("nobody was born yet", "empty", "nobody", reach="none", after="begun_named"),
    Cell("a first initdb was cut short", "half", "nobody", reach="none", after="begun_again"),
    Cell("the register names no primary yet", "empty", "nobody", reach="none", rc=WAIT, stand=3),
    Cell("a replication that ordain did not make is taken over, as asked: this", "former", "nobody_told", reach="standby",
         env=ADOPT, after="adopted"),
    Cell("the register names no primary, and another pod of this set has data of a later", "former", "later_told",
         reach="none", env=ADOPT, rc=REFUSE),
    Cell("the register names no primary, and another pod of this set answers", "former", "nobody_told", env=ADOPT, rc=REFUSE),
    Cell("PGDATA is a primary's and the register names nobody", "former", "nobody_told", reach="none", rc=REFUSE),
    Cell("a replication that ordain did not make is taken over, as asked: a standby", "standby", "nobody_told_2", env=ADOPT,
         work=False),
    Cell("PGDATA is a standby's and the register names no", "standby", "nobody_told_2", rc=WAIT),

    Cell("this pod's first initdb was not ended, and yet", "half", "me", rc=REFUSE),
    Cell("this pod's first initdb was not ended, and yet", "half", "me_other_seeded", rc=REFUSE),
    Cell("this pod's first initdb was cut short", "half", "me_unborn", after="begun_again"),
    Cell("this pod's first initdb was cut short", "begun", "me_unborn", after="begun"),
    Cell("the register names this pod as the primary and its volume is empty", "empty", "me", rc=REFUSE),
    Cell("the register names this pod as the primary, and half a pg_rewind", "rewinding", "me", rc=REFUSE),
    Cell("the register names this pod, its data is a standby's, and on a later", "standby", "me", rc=REFUSE),
    Cell("the register names this pod, its data is a standby's, and another", "standby", "me_2", rc=REFUSE),
    Cell("the register names this pod, its data is a standby's and ends before", "standby", "me_ahead", rc=REFUSE),
    Cell("the register names this pod and its data is still", "standby", "me_next", after="standby"),
    Cell("the register names this pod as the primary, and its timeline", "former", "me_later", rc=REFUSE),
    Cell("the register names this pod as the primary, and a standby has WAL", "forked", "me_2", reach="standby", rc=REFUSE),
    Cell("the register names this pod as the primary, and a standby has WAL", "forked", "me_2", rc=REFUSE),
    Cell("the register names this pod as the primary", "forked", "me_2", reach="none", work=False, after="primary"),
    Cell("the register names this pod as the primary", "former", "me", work=False, after="primary"),

    Cell("the named primary answers with another", "empty", "stranger", rc=REFUSE),
    Cell("the named primary answers with another", "other_cluster", "unsaid", rc=REFUSE),
    Cell("all of this standby's WAL", "standby", work=False, after="follows"),
    Cell("all of this standby's WAL", "early_standby", work=False, after="follows"),
    Cell("a standby starts; that it diverged", "untold_standby", work=False, after="follows"),
    # a clone renews the slot: the primary need not keep what it held
    Cell("PGDATA is empty and the named primary answers", "empty", after="cloned"),
    Cell("PGDATA is empty and the named primary answers", "half", after="cloned_half"),
    Cell("the named primary does not answer yet, and only", "empty", reach="none", rc=WAIT),
    Cell("the named primary does not answer yet, and only", "rewinding", reach="standby", rc=WAIT),
    Cell("the named primary is still in recovery", "former", "standby", rc=WAIT),
    Cell("the named primary answers on a timeline before", "former", "old", rc=WAIT),
    Cell("another pod is the primary now and does not", "former", reach="none", rc=WAIT),
    Cell("a standby starts at any time", "standby", reach="none", work=False, after="follows"),
    Cell("a standby starts at any time", "standby", "standby", work=False, after="standby"),
    Cell("this pod was the primary and wrote nothing", "former", after="demoted"),
    Cell("this pod was the primary, and where its WAL", "untold", rc=WAIT),
    Cell("PGDATA is of a later timeline", "newer", rc=REFUSE),
    Cell("PGDATA has WAL of the named primary's own timeline", "forked", rc=REFUSE),
    Cell("PGDATA has WAL of the named primary's own timeline", "forked", env={"ORDAIN_PG_DIVERGED": "rewind"}, rc=REFUSE),
    Cell("PGDATA has WAL of the named primary's own timeline", "forked_standby", rc=REFUSE),
    Cell("PGDATA has WAL of the named primary's own timeline", "forked_standby", env={"ORDAIN_PG_DIVERGED": "discard"},
         rc=REFUSE),
    Cell("PGDATA has WAL of the named primary's own timeline", "ahead_standby", rc=REFUSE),
    Cell("this pod's data went past the point where the named primary took over: pg_rewind", "diverged",
         env={"ORDAIN_PG_DIVERGED": "rewind"}, after="rewound"),
    Cell("this pod's data went past the point where the named primary took over: it is cloned anew, and the old "
         "directory removed", "diverged", env={"ORDAIN_PG_DIVERGED": "discard"}, after="discarded"),
    Cell("this pod's data went past the point where the named primary took over, and an", "diverged_again", rc=REFUSE),
    Cell("this pod's data went past the point where the named primary took over: it is cloned anew, and the old "
         "directory kept", "diverged", after="kept"),
    Cell("this pod's data went past the point where the named primary took over: it is cloned anew, and the old "
         "directory kept", "diverged_standby", after="kept"),
    Cell("this pod's data went past the point where the named primary took over: it is cloned anew, and the old "
         "directory kept", "diverged_untold_standby", after="kept"),
    Cell("this pod's data went past the point where the named primary took over: it is cloned anew, and the old "
         "directory kept", "diverged_without_hints", env={"ORDAIN_PG_DIVERGED": "rewind"}, after="kept"),
    Cell("this pod's data went past the point where the named primary took over: it is cloned anew, and the old "
         "directory kept", "rewinding", after="kept"),
    # from here on the primary has no WAL of old
    Cell("this clone was never whole", "unfinished", "wal_gone", after="cloned"),
    Cell("the named primary has removed the WAL that this standby needs next: it is", "early_standby", "wal_gone",
         env={"ORDAIN_PG_DIVERGED": "discard"}, after="cloned"),
    Cell("the named primary has removed the WAL that this standby needs next: it starts", "early_standby", "wal_gone",
         work=False, after="follows"),
]


def refused(facts, cell, where, env):
    """plan, init and exec end alike, with the sentence, and touch nothing."""
    stand = facts.stand
    before = stand.pgdata_seen()
    for result in (stand.plan(**env)[0], stand.init(**env), stand.exec(**env)):
        equal(result.rc, cell.rc, f"{where}: {result!r}")
        one_line(result, cell.sentence[:40])
    equal(lab.differences(before, stand.pgdata_seen()), [], f"{where}: touched")


def done(facts, cell, where, env):
    """plan says whether there is work, which init or exec then does; each of them has nothing to do afterwards."""
    stand = facts.stand
    before = stand.pgdata_seen()
    result = stand.plan(**env)[0]
    equal(result.rc, 1, f"{where}: the configuration alone is work: {result!r}")
    equal(lab.differences(before, stand.pgdata_seen()), [], f"{where}: plan touched")
    begin = facts.one.elapsed()
    result = stand.init(**env)
    equal(result.rc, 0, f"{where}: {result!r}")
    check(facts.one.elapsed() - begin < 8, f"{where}: waited for what it needs not: {result!r}")
    check(cell.sentence[:40] in result.err, f"{where}: {result!r}")
    for command in (stand.init, stand.exec):
        before = stand.all_seen()
        again = command(**env)
        equal(again.rc, 0, f"{where}, again: {again!r}")
        equal(lab.differences(before, stand.all_seen()), [], f"{where}, again: {again.err}")
    if cell.after:
        getattr(facts, f"after_{cell.after}")()


def reach(facts, cell):
    """One cell; answers its row."""
    facts.stand = facts.stands[cell.stand]
    where = f"{cell.data}, {cell.named} named, {cell.reach} reached, {cell.env}"
    env = {"ORDAIN_TIMEOUT": "1s" if cell.rc == WAIT else "20s", **cell.env}
    facts.name(cell.named)
    facts.data(cell.data)
    facts.stand.forget_configuration()
    with ExitStack() as cuts:
        for cut in facts.cuts(cell.reach):
            cuts.enter_context(cut)
        result, row, _, sentence = facts.stand.plan(**env)
        check(sentence.startswith(cell.sentence), f"{where}: {sentence!r}, not {cell.sentence!r}: {result!r}")
        (refused if cell.rc else done)(facts, cell, where, env)
    return row


def rows_of_the_table():
    """The rows that any input reaches, as the unit test has listed them."""
    with open(GOLDEN, encoding="utf-8") as file:
        return {int(line.split()[0]) for line in file if line.split()[0].isdigit() and int(line.split()[1]) > 0}


@lab.timeout(600)
def every_row(world):
    """every row of the table: plan, init and exec say it and do it, and a second run changes nothing"""
    authority = Authority(os.path.join(world.dir, "ca"))
    account = {"token": "of-nobody", "ca.crt": authority.text("ca.crt"), "namespace": "default"}
    register = os.path.join(world.dir, "cells")
    os.mkdir(register)
    os.chmod(register, 0o777)
    with postgres(world, replicas=4, secrets={TOKEN: account}, binds=[(register, "/cells", False)]) as one:
        one.up(60)
        facts = Facts(one, register)
        failed, rows = [], set()
        for cell in CELLS:
            try:
                rows.add(reach(facts, cell))
            except lab.Failure as failure:
                failed.append(str(failure))
        equal(failed, [], f"{len(failed)} of {len(CELLS)} cells")
        equal(sorted(rows_of_the_table() - rows), [], "rows that no cell reached")
        note(f"{len(CELLS)} cells, {len(rows)} rows, {one.elapsed():.0f} s")


SCENARIOS = [every_row]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
