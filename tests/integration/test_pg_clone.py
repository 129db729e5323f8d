"""Clones of real servers: what they hold, and that nothing but a whole one is ever PGDATA."""

import contextlib
import pathlib
import shutil
import subprocess
import tempfile

from pg_stage import AS_POSTGRES, DEBIAN, Server, case, driver, equal, main, run, scratch, server, true, wait

PRIMARY = "127.0.6.1"
STANDBY = "127.0.6.2"


class Place:
    """Where a clone goes: a directory of the server's user, PGDATA in it."""

    def __init__(self, where=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(dir=where or scratch()))
        shutil.chown(self.directory, "postgres", "postgres")
        self.data = self.directory / "data"

    def around(self):
        """What lies beside PGDATA."""
        return sorted(path.name for path in self.directory.iterdir() if path.name != "data")


def clone(place, address=PRIMARY, program=None, check=True, **words):
    """Runs the driver as the server's user; what it told."""
    done = run(*AS_POSTGRES, program or driver("pg_clone_driver"), f"pgdata={place.data}", f"addr={address}",
               *[f"{key}={value}" for key, value in words.items()], check=check, cwd="/")
    if not check:
        return done
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def follow(place, primary, address=STANDBY, slot="ordain_1"):
    """Starts the clone as a standby of PRIMARY."""
    one = Server(address, data=place.data)
    return one.start(primary_conninfo=f"host={primary.address} user=postgres application_name=clone",
                     primary_slot_name=slot)


def streams(primary, standby):
    """Until the standby has replayed what the primary has written up to now."""
    lsn = primary.sql("select pg_current_wal_insert_lsn()")
    wait(lambda: standby.sql(f"select pg_last_wal_replay_lsn() >= '{lsn}'") == "t", f"replay of {lsn}\n{standby.tail()}")


SUMS = "select count(*), sum(abalance), sum(aid) from pgbench_accounts"
HISTORY = "select count(*), coalesce(sum(delta), 0) from pgbench_history"


def pgbench(primary, *words):
    return run(DEBIAN / "bin/pgbench", "-h", primary.directory, "-U", "postgres", *words, "postgres", cwd="/")


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


@case
def a_clone_under_write_load_streams_and_is_equal():
    with server(PRIMARY) as primary:
        pgbench(primary, "-i", "-s", "10", "-q")
        for compression in ("none", "lz4", "zstd"):
            place = Place()
            with load(primary):
                told = clone(place, compression=compression)
            equal(told["compression"], compression, "compression")
            equal(place.around(), [], "nothing is left beside PGDATA")
            true(int(told["received"]) < int(told["bytes"]) if compression != "none" else True, f"{told}")
            standby = follow(place, primary)
            try:
                streams(primary, standby)
                for query in (SUMS, HISTORY):
                    equal(standby.sql(query), primary.sql(query), query)
                equal(standby.sql("select pg_is_in_recovery()"), "t", "a standby")
            finally:
                standby.stop()


if __name__ == "__main__":
    main()
