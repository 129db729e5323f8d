"""Half a clone never starts: a clone is killed, its disk is full, its upstream dies, a byte of the stream is turned, each
at many places. Each ends in a clean state, and the next run succeeds."""

import os
import pathlib
import random
import signal

from pg_clones import PRIMARY, SUMS, Place, begin, clone, pgbench, proves_itself, words
from pg_proxy import Proxy
from pg_stage import DEBIAN, case, equal, main, run, scratch, server, true

WIRE = "127.0.6.5"
SEED = int(os.environ.get("TEST_SEED") or random.randrange(1 << 32))


class Stage:
    """A primary, the wire to it, a place, and how many bytes a whole clone is."""

    def __init__(self, primary, where=None, **options):
        pgbench(primary, "-i", "-s", "2", "-q")
        self.primary, self.options = primary, {"silence": 3000, **options}
        self.wire, self.place, self.dice = Proxy(WIRE, PRIMARY), Place(where), random.Random(SEED)
        self.wire.arm(None)
        self.succeeds()
        self.total = self.wire.count

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.close()

    def succeeds(self):
        """The next run, on what is left by the one before."""
        self.wire.arm(None)
        clone(self.place, WIRE, **self.options)
        equal(self.place.around(), [], "beside PGDATA")
        verify(self.place)
        run("rm", "-rf", self.place.data)

    def somewhere(self):
        """A byte of the stream, or the last ones, behind which checks and syncs come."""
        return self.dice.choice([self.dice.randrange(self.total), self.total - 1 - self.dice.randrange(300)])


def verify(place):
    """The server's own tool, on all but the WAL, which comes later."""
    run(DEBIAN / "bin/pg_verifybackup", "--no-parse-wal", "--ignore=standby.signal", place.data)


@case
def killed_at_100_places():
    whole = 0
    with server(PRIMARY) as primary, Stage(primary) as stage:
        for i in range(100):
            process = begin(stage.place, WIRE, **stage.options)
            stage.wire.arm(stage.somewhere(), process.kill)
            process.communicate(timeout=60)
            if stage.place.data.exists():  # it was quicker than the signal
                verify(stage.place)
                run("rm", "-rf", stage.place.data)
                whole += 1
            stage.place.is_clean()
            if i % 10 == 9:
                stage.succeeds()
        print(f"# {whole} of 100 had ended before the signal", flush=True)
        true(whole < 80, "the signal comes in time")
        clone(stage.place, WIRE)
        proves_itself(stage.place, primary, SUMS)


@case
def a_full_disk_at_20_places():
    small = pathlib.Path(scratch()) / "small"
    small.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=300m,mode=0755", "none", small)
    try:
        full = 0
        with server(PRIMARY) as primary, Stage(primary, small) as stage:
            for _ in range(20):
                ballast = small / "ballast"
                stage.wire.arm(stage.dice.randrange(stage.total * 8 // 10),
                               lambda: run("dd", "if=/dev/zero", f"of={small}/ballast", "bs=64k", check=False))
                done = run(*words(stage.place, WIRE, **stage.options), check=False, cwd="/")
                true(done.returncode in (0, 74), f"{done.returncode}: {done.stderr}")
                if done.returncode == 74:
                    full += 1
                    true("No space left" in done.stderr or "the clone needs" in done.stderr, done.stderr)
                    equal(stage.place.data.exists(), False, "PGDATA")
                    equal(stage.place.around(), [], "a full disk has its room again")
                ballast.unlink(missing_ok=True)
                run("rm", "-rf", stage.place.data)
                stage.succeeds()
            true(full >= 15, f"{full} of 20 saw a full disk")
    finally:
        run("umount", small)


@case
def an_upstream_that_is_killed_at_20_places():
    with server(PRIMARY) as primary, Stage(primary) as stage:
        for _ in range(20):
            stage.wire.arm(stage.dice.randrange(stage.total), lambda: primary.stop(signal.SIGKILL))
            done = run(*words(stage.place, WIRE, **stage.options), check=False, cwd="/")
            if done.returncode != 0:
                equal(done.returncode, 75, done.stderr)
                true("not a byte" not in done.stderr, f"a dead upstream is no silent one: {done.stderr}")
                stage.place.is_clean()
                equal(stage.place.around(), [], "left")
            run("rm", "-rf", stage.place.data)
            if primary.process is None:
                (primary.data / "postmaster.pid").unlink(missing_ok=True)
                primary.start()
            stage.succeeds()


@case
def a_byte_that_is_turned_at_20_places():
    seen = {}
    for compression in ("none", "lz4"):
        with server(PRIMARY) as primary, Stage(primary, compression=compression) as stage:
            for _ in range(20):
                stage.wire.arm(stage.dice.randrange(stage.total))
                done = run(*words(stage.place, WIRE, **stage.options), check=False, cwd="/")
                true("Sanitizer" not in done.stderr, done.stderr)
                seen[done.returncode] = seen.get(done.returncode, 0) + 1
                if done.returncode == 0:  # in what no file holds: a number of progress, padding
                    verify(stage.place)
                    run("rm", "-rf", stage.place.data)
                else:
                    true(done.returncode in (65, 75, 77, 78), f"{done.returncode}: {done.stderr}")
                    equal(stage.place.data.exists(), False, "PGDATA")
                    equal(stage.place.around(), [], "left")
            stage.succeeds()
    print(f"# statuses {seen}", flush=True)
    true(seen.get(0, 0) < 10, f"turned bytes are seen: {seen}")


if __name__ == "__main__":
    if os.environ.get("PG_STAGE_INSIDE") == "1":
        print(f"# TEST_SEED={SEED}", flush=True)
    main()
