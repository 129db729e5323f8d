"""A pod between two lives: its volume, its register and what it can reach are set by hand, and ordain's start is run on
them, again and again. What the scenarios of test_pg_cells_*.py share."""

import os
import re
import shutil
import subprocess

from common import lab
from lab import check, equal

DATA = "pgdata"
REWIND = {"ORDAIN_PG_DIVERGED": "rewind"}
AS_SERVER = lab.Container("main", ())
SINGLE = "echo '{}' | postgres --single -c wal_log_hints=on -D /data/pgdata postgres"
PROMOTED = ("pg_ctl -D /data/pgdata -o \"-c listen_addresses=''\" -w start && pg_ctl -D /data/pgdata -w promote && "
            "pg_ctl -D /data/pgdata -m fast -w stop")
INITDB = "initdb -D /data/pgdata -U postgres -N --no-locale -E UTF8 >&2"
DECISION = re.compile(r"^decision +(.*) \(row (\d+)\)\nreason +(.*)$", re.MULTILINE)


def write_register(one, directory=None, **values):
    """The register's file, whole; a value of None is left out. Names have _ for -. DIRECTORY: not the lab's own."""
    path = os.path.join(directory or one.register, f"{one.name}-ordain")
    lines = {"format": 1, "cluster-id": f"{one.dns.namespace}/{one.name}",
             **{name.replace("_", "-"): value for name, value in values.items()}}
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write("".join(f"{name}={value}\n" for name, value in lines.items() if value is not None))
    os.chmod(path + ".new", 0o664)
    os.replace(path + ".new", path)


def promote(one, index):
    """What `ordain promote` does on a standby that has all WAL: the register, then the server; by hand, so that a
    scenario needs nothing but `init`, `exec` and the probes."""
    was = one.register_of()
    write_register(one, primary=one.pods[index].name, system_identifier=was["system-identifier"],
                   timeline=int(was["timeline"]) + 1)
    equal(one.value(index, "SELECT pg_promote()", inside=True), "t", f"{one.pods[index].name} is promoted")


def hold(one, index, how=None, **options):
    """Ends a pod's life (or calls HOW, which does) and holds its next one before init; answers its Stand."""
    pod = one.pods[index]
    pod.close_gate("init")
    if how:
        how()
    else:
        pod.recreate(**options)
    one.wait(lambda: pod.at_gate("init"), 30, f"{pod.name}'s sandbox")
    return Stand(pod)


def diverged_stand(one):
    """pg-0, a former primary past the fork, before its next start; pg-1 is the primary."""
    stand = hold(one, 0)
    promote(one, 1)
    one.wait(lambda: "pg-2" in one.streaming(1), 30, "pg-2 follows")
    stand.shell(SINGLE.format("CREATE TABLE only_here AS SELECT 1 AS one"))
    stand.keep("diverged")
    return stand


class Stand:
    """A pod that waits before its init container. `register` is the directory of the register that its commands ask,
    `env` what they get beside the pod's own settings."""

    def __init__(self, pod):
        self.pod, self.one, self.volume = pod, pod.lab, pod.volume
        self.register, self.env = pod.lab.register, {}
        self.copies = os.path.join(self.one.dir, "copies", pod.name)
        os.makedirs(self.copies, exist_ok=True)

    # ---- what lies there

    def keep(self, label):
        """Remembers the volume's content under a name."""
        subprocess.run(["cp", "-a", self.volume.path, os.path.join(self.copies, label)], check=True)

    def put(self, label):
        """The volume's content is what it was."""
        self.volume.clear()
        subprocess.run(["cp", "-a", os.path.join(self.copies, label) + "/.", self.volume.path], check=True)

    def copy(self, other, label):
        """The volume's content is what another stand remembers under this name."""
        self.volume.clear()
        subprocess.run(["cp", "-a", other.copies + f"/{label}/.", self.volume.path], check=True)

    def path(self, name=""):
        """A path below PGDATA, for the test process."""
        return os.path.join(self.volume.path, DATA, name) if name else os.path.join(self.volume.path, DATA)

    def has(self, suffix):
        """Whether PGDATA<suffix> is there."""
        return os.path.lexists(self.path() + suffix)

    def mark(self, suffix, text="\n"):
        """PGDATA<suffix>, a file of the server's user."""
        self._write(self.path() + suffix, text)

    def file(self, name, text=""):
        """A file in PGDATA, of the server's user."""
        os.makedirs(self.path(), mode=0o700, exist_ok=True)
        os.chown(self.path(), 999, 999)
        self._write(self.path(name), text)

    @staticmethod
    def _write(path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o600)
        os.chown(path, 999, 999)

    def drop(self, *names):
        """Removes files or directories of PGDATA, or beside it (".suffix")."""
        for name in names:
            path = self.path() + name if name.startswith(".") else self.path(name)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)

    def drop_wal(self):
        """Every WAL segment is gone."""
        self.drop(*[f"pg_wal/{name}" for name in os.listdir(self.path("pg_wal")) if re.fullmatch("[0-9A-F]{24}", name)])

    def learned(self):
        """What its register says, as Lab.register_of."""
        with open(os.path.join(self.register, f"{self.one.name}-ordain"), encoding="ascii") as file:
            return dict(line.rstrip("\n").split("=", 1) for line in file)

    def forget_configuration(self):
        """The config directory is what a new pod's is."""
        for name in os.listdir(self.pod.config):
            path = os.path.join(self.pod.config, name)
            if name != "initdb.d":
                os.unlink(path)

    def shell(self, words):
        """A shell's words in the pod, as the server's user; they must succeed."""
        result = self.pod.run("sh", "-c", words, timeout_s=60, uid=999)
        equal(result.rc, 0, f"{words}: {result!r}")
        return result

    def pgdata_seen(self):
        """PGDATA and the register, every file; and which names are beside PGDATA but the lock and whom the
        register named."""
        seen = lab.take(self.path(), self.register)
        seen["beside"] = {"content": sorted(set(os.listdir(self.volume.path)) -
                                             {"pgdata.ordain-lock", "pgdata.ordain-primary"})}
        return seen

    def all_seen(self):
        """The same, and the configuration."""
        return {**self.pgdata_seen(), **lab.take(self.pod.config)}

    # ---- ordain

    def plan(self, **env):
        """`plan init postgres`: (Result, row from 1, action, sentence)."""
        result = self.pod.run("ordain", "plan", "init", "postgres", env={"ORDAIN_TIMEOUT": "5s", **self.env, **env})
        found = DECISION.search(result.out)
        return (result, int(found[2]), found[1], found[3]) if found else (result, 0, "", "")

    def init(self, *strace, **env):
        """`init postgres` with the init container's rights."""
        return self.pod.run_init(*strace, "ordain", "init", "postgres", env={**self.env, **env})

    def exec(self, *strace, server=("true",), timeout_s=60, **env):
        """`exec postgres` with the main container's; it becomes SERVER."""
        return self.run_as_main(*strace, "ordain", "exec", "postgres", "--", *server, timeout_s=timeout_s, **env)

    def run_as_main(self, *argv, timeout_s=60, **env):
        """A command with the main container's rights."""
        life = self.pod.life
        return life.sandbox.execute(argv, AS_SERVER, {**life.env(AS_SERVER), **self.env, **env}, timeout_s=timeout_s)

    def go_on(self):
        """The pod's life begins."""
        self.pod.open_gate("init")


def one_line(result, *words):
    """The last line of stderr is the failure, and tells these words."""
    last = result.err.strip().splitlines()[-1]
    check(last.startswith("ordain: "), f"one clear line: {result!r}")
    for word in words:
        check(re.search(word, last), f"{word!r} is told: {last}")


def refused(stand, rc, *words, commands=("plan", "init", "exec"), **env):
    """Each command fails with the status RC and one line that tells WORDS, and nothing is touched."""
    env = {"ORDAIN_TIMEOUT": "1500ms", **env}
    before = stand.pgdata_seen()
    for command in commands:
        result = stand.plan(**env)[0] if command == "plan" else getattr(stand, command)(**env)
        equal(result.rc, rc, f"{command}: {result!r}")
        one_line(result, *words)
        equal(lab.differences(before, stand.pgdata_seen()), [], f"{command} touched")
