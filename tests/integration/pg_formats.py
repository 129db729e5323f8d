"""What the tests of Postgres' files and of its WAL share: servers of each version, a driver that says what ordain reads,
a death without warning, a pair."""

import contextlib
import functools
import os
import pathlib
import shutil
import signal
import tempfile

from pg_stage import DEBIAN, ROOT, Server, Wrong, driver, equal, run, scratch, server, wait

ADDRESS = "127.0.6.1"
STANDBY = "127.0.6.2"
VERSIONS = (13, 14, 15, 16, 17, 18)
MB = 1024 * 1024

if "SERVERS" not in os.environ:
    os.environ["SERVERS"] = run(ROOT / "tests/servers/fetch").stdout.strip()


@functools.lru_cache
def home(version):
    """Where the version's bin/ is; of npm's a copy that the servers' user can reach."""
    if version == 15:
        return DEBIAN
    copy = pathlib.Path(scratch()) / f"postgres-{version}"
    run("cp", "-a", pathlib.Path(os.environ["SERVERS"]) / copy.name, copy)
    return copy


def on_each_version(function):
    """The case once a version; the sentence of a failure names it."""
    @functools.wraps(function)
    def all_versions():
        for version in VERSIONS:
            try:
                function(version)
            except Wrong as wrong:
                raise Wrong(f"PostgreSQL {version}: {wrong}") from wrong
    return all_versions


class Told(dict):
    """What the driver says, NAME=VALUE lines."""

    def __init__(self, *words, status=0):
        done = run(driver("pg_formats_driver"), *words, check=False)
        equal(done.returncode, status, f"status of {words}: {done.stderr}{done.stdout}")
        super().__init__(line.split("=", 1) for line in done.stdout.splitlines())
        self.stderr = done.stderr


def descendants(pid):
    """Everything below a process; a backend is the leader of a group of its own."""
    parents = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            words = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            parents[int(path.parent.name)] = int(words[1])
    found = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return found - {pid}
        found |= more


def is_gone(pid):
    try:
        words = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
    except OSError:
        return True
    return words.split()[0] == "Z"


def kill(one):
    """SIGKILL to the server and all its processes at once, as a container dies."""
    one.process.send_signal(signal.SIGSTOP)  # so that it starts no more of them
    children = descendants(one.process.pid)
    for pid in {one.process.pid} | children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    one.process.wait(60)
    one.process = None
    wait(lambda: all(is_gone(pid) for pid in children), "the backends are gone")


@contextlib.contextmanager
def pair(version):
    """A primary and a standby that streams from it."""
    with server(ADDRESS, home=home(version), initdb=("--wal-segsize=1",), wal_keep_size="64MB") as primary:
        primary.stop()
        directory = pathlib.Path(tempfile.mkdtemp(dir=scratch()))
        shutil.chown(directory, "postgres", "postgres")
        run("cp", "-a", primary.data, directory / "data")
        (directory / "data/standby.signal").touch()
        primary.start()
        standby = Server(STANDBY, home=home(version), data=directory / "data",
                         primary_conninfo=f"host={ADDRESS} user=postgres", wal_retrieve_retry_interval="100ms")
        try:
            standby.start()
            wait(lambda: primary.sql("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == "1",
                 f"the standby streams\n{standby.tail()}")
            yield primary, standby
        finally:
            if standby.process is not None:
                kill(standby)
            shutil.rmtree(standby.directory, ignore_errors=True)
            shutil.rmtree(directory, ignore_errors=True)


def caught_up(primary, standby):
    lsn = primary.sql("SELECT pg_current_wal_insert_lsn()")
    wait(lambda: standby.sql(f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'") == "t", "the standby replays all")
