#!/usr/bin/python3
"""Every row of the table of a start (roles/postgres_start.c) on real servers: the row and its sentence by `plan`, the
exit status of `plan`, `init` and `exec`, what becomes of the data; a second run changes nothing."""

import os
from contextlib import ExitStack
from dataclasses import dataclass, field

from common import TESTS, lab, postgres
from lab import check, equal, note
from pg_cells import INITDB, PROMOTED, SINGLE, hold, one_line, promote, write_register
from redis_proofs import Authority

GOLDEN = os.path.join(TESTS, "golden", "postgres_start.txt")
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"
# No API server has this address: the register does not answer.
SILENT = {"ORDAIN_REGISTER": "kubernetes"}
NONE = {"ORDAIN_REGISTER": "none"}
NEW = {**NONE, "ORDAIN_BIRTH": "new"}
ADOPT = {"ORDAIN_ADOPT": "true"}
KEPT = ".diverged-1-0-3000000"
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
    Cell("the first ordinal is the primary", "former", reach="standby", env=NONE, work=False, after="primary"),
    Cell("without a register the first ordinal", "standby", env=NONE, rc=REFUSE),
    Cell("without a register the first ordinal", "rewinding", reach="none", env=NONE, rc=REFUSE),

    Cell("the register names no primary, this volume", "empty", "nobody", rc=REFUSE),
    Cell("the register names no primary, this volume", "half", "nobody", reach="standby", rc=REFUSE),
    Cell("the register names no primary, and yet knows", "empty", "seeded", reach="none", rc=REFUSE),
    Cell("nobody was born yet", "empty", "nobody", reach="none", after="begun_named"),
    Cell("a first initdb was cut short", "half", "nobody", reach="none", after="begun_again"),
    Cell("the register names no primary yet", "empty", "nobody", reach="none", rc=WAIT, stand=3),
    Cell("a replication that ordain did not make is taken over, as asked: this", "former", "nobody", reach="standby",
         env=ADOPT, after="adopted"),
    Cell("the register names no primary, and another pod", "former", "nobody", env=ADOPT, rc=REFUSE),
    Cell("PGDATA is a primary's and the register names nobody", "former", "nobody", reach="none", rc=REFUSE),
    Cell("a replication that ordain did not make is taken over, as asked: a standby", "standby", "nobody", env=ADOPT,
         work=False),
    Cell("PGDATA is a standby's and the register names no", "standby", "nobody", rc=WAIT),

    Cell("this pod's first initdb was cut short", "half", "me", after="begun_again"),
    Cell("this pod's first initdb was cut short", "begun", "me", after="begun"),
    Cell("the register names this pod as the primary and its volume is empty", "empty", "me", rc=REFUSE),
    Cell("the register names this pod as the primary, and half a pg_rewind", "rewinding", "me", rc=REFUSE),
    Cell("the register names this pod and its data is still", "standby", "me", after="standby"),
    Cell("the register names this pod as the primary, and its timeline", "former", "me_later", rc=REFUSE),
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


class Facts:
    """Four pods: pg-1 is the primary on timeline 2, pg-2 its standby; pg-0, the former primary, and pg-3 wait. These
    two ask another register than the servers, which would follow what it says."""

    def __init__(self, one, register):
        self.one = one
        self.register = register
        self.stands = {3: hold(one, 3), 0: hold(one, 0)}
        self.stand = self.stands[0]
        self.system = one.register_of()["system-identifier"]
        self.wal_is_gone = False
        promote(one, 1)
        one.wait(lambda: "pg-2" in one.streaming(1), 30, "pg-2 follows pg-1", lambda: one.pods[2].probe_words)
        self._keep_data()
        for stand in self.stands.values():
            stand.register, stand.env = register, {"ORDAIN_REGISTER": "file:/cells"}

    def _keep_data(self):
        """The volumes of pg-0 that must be made once, by servers."""
        stand = self.stand
        stand.keep("former")
        stand.shell(SINGLE.format("CREATE TABLE only_here AS SELECT 1 AS one"))
        stand.keep("diverged")
        stand.put("former")
        stand.shell(SINGLE.format("CREATE TABLE only_here AS SELECT 1 AS one").replace("=on", "=off"))
        stand.keep("diverged_without_hints")
        stand.put("former")
        equal(stand.exec().rc, 0, "it becomes a standby")
        stand.keep("early_standby")
        stand.go_on()
        self.one.wait(lambda: "pg-0" in self.one.streaming(1), 60, "pg-0 streams from pg-1")
        self.one.sql(1, "CREATE TABLE later AS SELECT 1 AS one; CHECKPOINT", inside=True)
        self.one.pods[0].wait_ready(30)
        self.stand = self.stands[0] = stand = hold(self.one, 0)
        stand.keep("standby")
        stand.shell(PROMOTED)
        stand.keep("newer")
        stand.volume.clear()
        stand.shell(INITDB)
        stand.keep("other_cluster")
        stand.volume.clear()
        equal(stand.init().rc, 0, "a clone")
        stand.keep("unfinished")

    # ---- PGDATA

    def data(self, name):
        """Makes a stand's PGDATA what a cell is about."""
        getattr(self, f"data_{name}", lambda: self.stand.put(name))()

    def data_empty(self):
        """Nothing at all."""
        self.stand.volume.clear()

    def data_foreign(self):
        """Somebody's files."""
        self.data_empty()
        self.stand.file("notes.txt", "do not touch")

    def data_restored(self):
        """A backup's recovery is asked for."""
        self.stand.put("former")
        self.stand.file("recovery.signal")

    def data_restored_of_old(self):
        """As before PostgreSQL 12."""
        self.stand.put("former")
        self.stand.file("recovery.conf", "standby_mode = on\n")

    def data_damaged(self):
        """One bit of the control file is not as it was written."""
        self.stand.put("former")
        with open(self.stand.path("global/pg_control"), "r+b") as file:
            first = file.read(1)
            file.seek(0)
            file.write(bytes([first[0] ^ 1]))

    def data_without_control(self):
        """As an interrupted copy leaves it."""
        self.stand.put("former")
        self.stand.drop("global/pg_control")

    def data_unmarked(self):
        """Nobody made the mark *done*, and a server was in production."""
        self.stand.put("former")
        self.stand.drop(".ordain-done")

    def data_begun(self):
        """The mark *started*, and initdb has not begun."""
        self.data_empty()
        self.stand.mark(".ordain-started")

    def data_half(self):
        """What initdb leaves that was killed before its first server."""
        self.data_begun()
        self.stand.file("PG_VERSION", "15\n")

    def data_rewinding(self):
        """pg_rewind was begun and not ended."""
        self.stand.put("diverged")
        self.stand.mark(".ordain-rewinding")

    def data_diverged_again(self):
        """An earlier directory is kept."""
        self.stand.put("diverged")
        os.mkdir(self.stand.path() + KEPT)

    def data_diverged_standby(self):
        """A diverged former primary that somebody made a standby by hand."""
        self.stand.put("diverged")
        self.stand.file("standby.signal")

    def data_untold(self):
        """Where its WAL ends cannot be read."""
        self.stand.put("former")
        self.stand.drop_wal()

    def data_untold_standby(self):
        """The same, of a standby."""
        self.stand.put("early_standby")
        self.stand.drop_wal()

    # ---- the register, the network

    def name(self, whom):
        """Writes the register."""
        me = self.stand.pod.name
        known = {"system_identifier": self.system, "timeline": 2}
        if whom == "wal_gone" and not self.wal_is_gone:
            self._remove_wal()
        write_register(self.one, self.register, **{
            "nobody": {}, "seeded": {"seeded.0": "yes"}, "me": {**known, "primary": me, "timeline": 1}, "standby": {**known, "primary": "pg-2"},
            "me_later": {**known, "primary": me, "timeline": 2}, "old": {**known, "primary": "pg-1", "timeline": 3},
            "stranger": {**known, "primary": "pg-1", "system_identifier": 4711},
            "unsaid": {"primary": "pg-1", "timeline": 2}}.get(whom, {**known, "primary": "pg-1"}))

    def _remove_wal(self):
        """The primary's WAL of before now is recycled; its probe makes slots anew, so they are dropped each time."""
        now = self.one.value(1, "SELECT pg_walfile_name(pg_current_wal_lsn())", inside=True)

        def gone():
            self.one.sql(1, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active",
                         inside=True)
            self.one.sql(1, "CREATE TABLE IF NOT EXISTS noise (n int); INSERT INTO noise VALUES (1)", inside=True)
            for command in ("SELECT pg_switch_wal()", "CHECKPOINT"):
                self.one.sql(1, command, inside=True)
            return self.one.value(1, "SELECT min(name) FROM pg_ls_waldir() WHERE length(name) = 24", inside=True) > now
        self.one.wait(gone, 30, f"WAL from {now} on is recycled")
        self.wal_is_gone = True

    def cuts(self, reach):
        """Cuts the stand from what it shall not reach."""
        away = {"all": (), "standby": (1,), "none": (1, 2)}[reach]
        return [self.one.cut(self.stand.pod, self.one.pods[index], how="reset") for index in away]

    # ---- what was done

    def role(self, role):
        """The configuration's role, and whether the data is a standby's."""
        with open(os.path.join(self.stand.pod.config, "role"), encoding="ascii") as file:
            equal(file.read().strip(), role, "role")
        if os.path.exists(self.stand.path("PG_VERSION")):
            equal(os.path.exists(self.stand.path("standby.signal")), role == "standby", "standby.signal")

    def after_primary(self):
        """It starts as what it is."""
        self.role("primary")

    def after_standby(self):
        """A standby, whomever it follows."""
        self.role("standby")

    def after_follows(self):
        """Its configuration names the primary where one is known."""
        self.role("standby")

    def after_begun(self):
        """The entrypoint finds an empty PGDATA and runs initdb."""
        self.role("primary")
        check(self.stand.has(".ordain-started") and not self.stand.has(".ordain-done"), "the marks")
        check(not os.path.exists(self.stand.path()) or not os.listdir(self.stand.path()), "PGDATA is empty")

    def after_begun_again(self):
        """The same, and what was half is kept aside."""
        self.after_begun()
        check(os.path.exists(self.stand.path() + ".half-initdb/PG_VERSION"), "what was half")

    def after_begun_named(self):
        """The same, and the register knows."""
        self.after_begun()
        equal(self.stand.learned()["primary"], "pg-0", "who is named")

    def after_adopted(self):
        """The register has learned everything."""
        self.role("primary")
        register = self.stand.learned()
        equal((register["primary"], register["system-identifier"], register["timeline"]), ("pg-0", self.system, "1"),
              "the register")

    def after_demoted(self):
        """The same data, as a standby's."""
        self.role("standby")
        check(not self.stand.has(".clone") and not self.stand.has(KEPT), "it was not cloned")

    def after_cloned(self):
        """A whole clone and nothing beside it."""
        self.role("standby")
        check(os.path.exists(self.stand.path("backup_label")), "a clone")
        check(not self.stand.has(".clone") and not self.stand.has(".discarded"), "nothing is left over")

    def after_cloned_half(self):
        """A clone; what was half is kept aside, its mark gone."""
        self.after_cloned()
        check(self.stand.has(".half-initdb") and not self.stand.has(".ordain-started"), "half an initdb")

    def after_discarded(self):
        """The old directory is gone."""
        self.after_cloned()
        equal([name for name in os.listdir(self.stand.volume.path) if "diverged" in name], [], "kept directories")

    def after_kept(self):
        """The old directory is beside the clone, with its rows."""
        self.after_cloned()
        kept = [name for name in os.listdir(self.stand.volume.path) if name.startswith("pgdata.diverged-1-")]
        equal(len(kept), 1, f"one directory is kept: {os.listdir(self.stand.volume.path)}")
        check(not self.stand.has(".ordain-rewinding"), "the mark of a rewind is gone")

    def after_rewound(self):
        """The same directory, taken back."""
        self.role("standby")
        check(not self.stand.has(".ordain-rewinding"), "the mark of a rewind is gone")
        check(os.path.exists(self.stand.path("backup_label")), "pg_rewind writes where recovery begins")


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
