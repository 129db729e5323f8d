"""The facts that a start of Postgres decides upon, made by hand round one pod: its PGDATA, the register, whom it reaches;
and what must have been done. For test_pg_cells_rows.py."""

import os

from lab import check, equal
from pg_cells import INITDB, PROMOTED, SINGLE, hold, promote, write_register

KEPT = ".diverged-1-0-3000000"


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
        stand.drop("standby.signal")
        stand.shell(SINGLE.format("CREATE TABLE only_here AS SELECT 1 AS one"))
        stand.keep("forked")
        stand.shell(SINGLE.format("SELECT pg_logical_emit_message(true, $$x$$, repeat($$y$$, 4000000))"))
        stand.keep("ahead")
        self.one.sql(1, "SELECT pg_logical_emit_message(true, 'x', repeat('y', 1000000))", inside=True)
        stand.put("standby")
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

    def data_forked_standby(self):
        """A standby that wrote on its primary's own timeline, which has gone past its end since."""
        self.stand.put("forked")
        self.stand.file("standby.signal")

    def data_ahead_standby(self):
        """The same, and the primary has not gone so far."""
        self.stand.put("ahead")
        self.stand.file("standby.signal")

    def data_untold(self):
        """Where its WAL ends cannot be read."""
        self.stand.put("former")
        self.stand.drop_wal()

    def data_untold_standby(self):
        """The same, of a standby."""
        self.stand.put("early_standby")
        self.stand.drop_wal()

    def data_diverged_untold_standby(self):
        """Where its WAL ends cannot be read, but its checkpoint lies past the fork."""
        self.data_diverged_standby()
        self.stand.drop_wal()

    # ---- the register, the network

    def name(self, whom):
        """Writes the register."""
        me = self.stand.pod.name
        known = {"system_identifier": self.system, "timeline": 2}
        if whom == "wal_gone" and not self.wal_is_gone:
            self._remove_wal()
        write_register(self.one, self.register, **{
            "nobody": {f"holds.{self.stand.pod.ordinal}": "nothing"},
            "nobody_told": {"seeded.0": "data", "holds.0": "1"},
            "nobody_told_2": {"seeded.0": "data", "holds.0": "2"},
            "later_told": {"seeded.0": "data", "holds.0": "1", "holds.2": "2"}, "seeded": {"seeded.0": "yes", "holds.0": "nothing"},
            "other_seeded": {"seeded.2": "data", "holds.0": "nothing"},
            "unnamed": {**known, "holds.0": "nothing"}, "me_unborn": {"primary": me},
            "me_other_seeded": {"primary": me, "seeded.2": "data"},
            "me": {**known, "primary": me, "timeline": 1}, "me_2": {**known, "primary": me}, "standby": {**known, "primary": "pg-2"},
            "me_next": {**known, "primary": me, "timeline": 3},
            "me_ahead": {**known, "primary": me, "timeline": 3, "promoted_at": "1/0"},
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
