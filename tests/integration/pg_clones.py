"""What the tests of clones share: places to clone to, the driver, the standby that a clone becomes."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from pg_stage import AS_POSTGRES, DEBIAN, Server, Wrong, driver, equal, run, scratch, true, wait

PRIMARY = "127.0.6.1"
STANDBY = "127.0.6.2"
SUMS = "select count(*), sum(abalance), sum(aid) from pgbench_accounts"
HISTORY = "select count(*), coalesce(sum(delta), 0) from pgbench_history"


class Place:
    """Where a clone goes: a directory of the server's user, PGDATA in it."""

    def __init__(self, where=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(dir=where or scratch()))
        shutil.chown(self.directory, "postgres", "postgres")
        self.data = self.directory / "data"

    def around(self):
        """What lies beside PGDATA."""
        return sorted(path.name for path in self.directory.iterdir() if path.name != "data")

    def is_clean(self):
        """No PGDATA, and nothing that only a living clone leaves."""
        equal(self.data.exists(), False, "PGDATA")
        true(set(self.around()) <= {"data.clone", "data.ordain-cloning"}, f"beside PGDATA: {self.around()}")


def words(place, address=PRIMARY, program=None, **options):
    """The driver's command line, as the server's user."""
    return [*AS_POSTGRES, program or driver("pg_clone_driver"), f"pgdata={place.data}", f"addr={address}",
            *[f"{key}={value}" for key, value in options.items()]]


def clone(place, address=PRIMARY, program=None, **options):
    """A clone that must succeed; what it told."""
    done = run(*words(place, address, program, **options), cwd="/")
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def refused(status, sentence, place, address=PRIMARY, **options):
    """A clone that must fail so, and leave nothing."""
    done = run(*words(place, address, **options), check=False, cwd="/")
    if done.returncode != status or sentence not in done.stderr or "Sanitizer" in done.stderr:
        raise Wrong(f"status {done.returncode}, not {status}; not {sentence!r} in: {done.stderr[-2000:]}")
    equal(place.around(), [], "what is left beside PGDATA")
    equal(place.data.exists(), False, "PGDATA")
    return done.stderr


def begin(place, address=PRIMARY, **options):
    """A clone in the background."""
    return subprocess.Popen([str(word) for word in words(place, address, **options)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, cwd="/")


def written(place):
    """Bytes in the staging directory."""
    total = 0
    for directory, _, files in os.walk(f"{place.data}.clone"):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(f"{directory}/{name}").st_size
    return total


def follow(place, primary, address=STANDBY, slot="ordain_1", home=DEBIAN):
    """Starts the clone as a standby of PRIMARY."""
    one = Server(address, home=home, data=place.data)
    return one.start(primary_conninfo=f"host={primary.address} user=postgres application_name=clone",
                     primary_slot_name=slot)


def streams(primary, standby):
    """Until the standby has replayed what the primary has written up to now."""
    function = "pg_last_wal_replay_lsn" if primary.sql("select pg_is_in_recovery()") == "t" else "pg_current_wal_flush_lsn"
    lsn = primary.sql(f"select {function}()")
    wait(lambda: standby.sql(f"select pg_last_wal_replay_lsn() >= '{lsn}'") == "t", f"replay of {lsn}\n{standby.tail()}")


def proves_itself(place, primary, *queries, **options):
    """The clone starts as a standby, streams, and answers as the primary does."""
    standby = follow(place, primary, **options)
    try:
        streams(primary, standby)
        equal(standby.sql("select pg_is_in_recovery()"), "t", "a standby")
        for query in queries:
            equal(standby.sql(query), primary.sql(query), query)
    finally:
        standby.stop()


def pgbench(primary, *arguments):
    """Debian's pgbench on a server, to its end."""
    return run(DEBIAN / "bin/pgbench", "-h", primary.directory, "-U", "postgres", *arguments, "postgres", cwd="/")


@contextlib.contextmanager
def load(primary):
    """pgbench in the background for the time of a with."""
    process = subprocess.Popen([str(DEBIAN / "bin/pgbench"), "-h", str(primary.directory), "-U", "postgres", "-c", "2",
                                "-T", "600", "postgres"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
    try:
        wait(lambda: primary.sql("select count(*) > 20 from pgbench_history") == "t", "the load writes")
        yield
        true(process.poll() is None, "the load went on")
    finally:
        process.kill()
        process.wait()
