#!/usr/bin/python3
"""promote postgres: the register first, then the most advanced standby; what is not known is asked for, nobody guesses."""

import glob
import os

from common import lab, postgres
from lab import check, equal
from pg_cells import write_register

DEAD = ("--peer-is-dead", "pg-0")


def promote(one, *words, timeout="30s", strace=(), **how):
    """`ordain promote postgres`, as a Job; Result."""
    return one.job(*strace, "ordain", "promote", "postgres", *words, "--timeout", timeout, timeout_s=90, **how)


def up(world, **options):
    """A set that is born and healthy."""
    one = postgres(world, **options)
    one.up(90)
    one.wait_healthy(30)
    return one


def refused(result, status, *words):
    """The call ended so, and said these words."""
    equal(result.rc, status, f"{result!r}")
    for word in words:
        check(word in result.err, f"{word}: {result.err}")


def kept(one, index):
    """The diverged directories that a pod keeps."""
    return glob.glob(one.pgdata(index) + ".diverged-*")


def slots(one, index):
    """{slot: wal_status} of a server."""
    return dict(one.sql(index, "SELECT slot_name, wal_status FROM pg_replication_slots", inside=True))


def comes_back(world, policy):
    with up(world, policy=policy) as one:
        with one.guard(), one.writer() as writer:
            writer.wait_rows(50)
            refused(promote(one, timeout="5s"), 65, "it is stopped first", "pg-0")
            refused(promote(one, "pg-1", *DEAD, timeout="5s"), 65, "it is stopped first", "pg-0")
            one.pods[0].delete(force=True)
            refused(promote(one, timeout="3s"), 75, "--peer-is-dead", "pg-0")
            result = promote(one, *DEAD)
            equal(result.rc, 0, f"{result!r}")
            for words in ("given up     pg-0", "asked        pg-1", "takes over   pg-", "may be lost  what pg-0"):
                check(words in result.out, f"{words}: {result.out}")
            primary = one.named()
            check(primary.name in ("pg-1", "pg-2"), primary.name)
            equal(one.register_of()["timeline"], "2", "the recorded timeline")
            one.pods[0].held = False
            one.wait_healthy(60)
            others = {f"ordain_{pod.ordinal}" for pod in one.pods} - {f"ordain_{primary.ordinal}"}
            equal(set(slots(one, primary.ordinal)), others, "slots of the new primary")
            refused(promote(one, primary.name), 0)
            refused(promote(one), 65, primary.name)


def parallel(world):
    """the primary is gone: refused while it answers, waits for its word, given up by name; it comes back as a standby"""
    comes_back(world, "Parallel")


def in_order(world):
    """the same under OrderedReady"""
    comes_back(world, "OrderedReady")


def what_it_wrote(world):
    """a primary that wrote alone after its standbys were cut off: its data is kept beside its clone"""
    with up(world) as one, one.guard():
        one.sql(0, "CREATE TABLE t (n int); INSERT INTO t VALUES (1)")
        one.wait_healthy(20)
        cuts = [one.cut(one.pods[0], one.pods[index]) for index in (1, 2)]
        one.sql(0, "INSERT INTO t SELECT generate_series(2, 1000)")
        one.pods[0].delete(force=True)
        equal(promote(one, *DEAD).rc, 0, "promote")
        for cut in cuts:
            cut.heal()
        one.pods[0].held = False
        one.wait_healthy(60)
        equal(len(kept(one, 0)), 1, f"kept: {kept(one, 0)}")
        equal(one.value(0, "SELECT count(*) FROM t"), "1", "rows on the former primary")


def nothing_of_its_own(world):
    """a primary that was stopped with all of its WAL sent comes back without a clone"""
    with up(world) as one, one.guard():
        one.sql(0, "CREATE TABLE t (n int); INSERT INTO t VALUES (1)")
        one.pods[0].delete()  # a fast shutdown sends all, its last checkpoint too
        equal(promote(one, *DEAD).rc, 0, "promote")
        one.pods[0].held = False
        one.wait_healthy(60)
        equal(kept(one, 0), [], "kept")
        check("cloned" not in one.pods[0].log("init") + one.pods[0].log("main"), "it cloned")


def followed(world):
    """a standby that followed a promotion and flushed no page since: its control file is of before, and it is not astray"""
    with postgres(world, template=lab.ordain("postgres", probe_period_s=300)) as one:
        one.start()
        one.wait(lambda: all(one.is_primary(pod.ordinal) is not None for pod in one.pods), 90, "servers")
        one.wait(lambda: len(one.streaming(0)) == 2, 30, "standbys")
        one.sql(0, "CREATE TABLE t (n int)")
        one.pods[0].delete()
        equal(promote(one, *DEAD).rc, 0, "promote")
        primary, standby = one.named(), next(pod for pod in one.pods[1:] if pod != one.named())
        one.wait(lambda: one.streaming(primary.ordinal), 20, "it follows")
        one.sql(primary.ordinal, "INSERT INTO t SELECT generate_series(1, 1000)")
        one.wait(lambda: one.value(standby.ordinal, "SELECT count(*) FROM t", inside=True) == "1000", 20, "rows")
        equal((one.timeline(standby.ordinal), one.control(standby.ordinal).timeline), (2, 1), "followed, and recorded")
        # the right host, and nobody's password: it does not stream, and its probe looks why
        host = f"{primary.name}.pg.default.svc.cluster.local"
        one.sql(standby.ordinal, f"ALTER SYSTEM SET primary_conninfo = 'host={host} user=nobody'", inside=True)
        one.sql(standby.ordinal, "SELECT pg_reload_conf()", inside=True)
        one.wait(lambda: not one.streaming(primary.ordinal), 20, "it does not stream")
        result = standby.run("ordain", "probe", "postgres", "readiness", timeout_s=10)
        check(result.rc == 1 and "its slot is there" in result.out, f"{result!r}")
        standby.close_gate("main")
        standby.kill()
        one.wait(lambda: standby.at_gate("main"), 20, "it is dead")
        result = standby.run("ordain", "plan", "init", "postgres", uid=999)
        check("start as standby" in result.out, f"{result!r}")
        standby.open_gate("main")
        one.wait(lambda: one.streaming(primary.ordinal), 30, "it follows")
        equal(kept(one, standby.ordinal), [], "kept")


def probes(pod):
    """How often its readiness was asked for."""
    return pod.probe_counts["readiness", True] + pod.probe_counts["readiness", False]


def silent_register(world):
    """after a promotion the register falls silent: who was named last is ready, and a standby that starts follows it"""
    with up(world) as one, one.guard():
        one.pods[0].delete(force=True)
        refused(promote(one, "pg-1", *DEAD), 0)
        one.pods[0].held = False
        one.wait_healthy(60)
        path = os.path.join(one.register, "pg-ordain")
        os.chmod(path, 0)
        try:
            one.pods[2].kill()
            one.wait(lambda: one.pods[2].restarts["main"], 30, "pg-2's container starts anew")
            one.wait_ready(30)
            for pod in one.pods:
                wanted = probes(pod) + 3
                one.wait(lambda pod=pod, wanted=wanted: probes(pod) >= wanted, 30, f"{pod.name}'s probes")
                check(pod.ready, f"{pod.name}: {pod.probe_words}")
            check("when it last answered" in one.pods[1].probe_words["readiness"], one.pods[1].probe_words["readiness"])
            check("pg-1." in one.value(2, "SHOW primary_conninfo", inside=True), "pg-2 follows pg-1")
        finally:
            os.chmod(path, 0o664)
        one.wait_healthy(30)


def ahead(one):
    """pg-2 has 5000 rows that pg-1 has not, and pg-0 is gone."""
    one.sql(0, "CREATE TABLE t (n int)")
    one.wait_healthy(20)
    with one.cut(one.pods[0], one.pods[1]):
        one.sql(0, "INSERT INTO t SELECT generate_series(1, 5000)")
        one.wait(lambda: one.value(2, "SELECT count(*) FROM t", inside=True) == "5000", 20, "pg-2 has the rows")
        one.pods[0].delete(force=True)


def most_advanced(world):
    """the standby that received more takes over; the other one is refused, by its bytes, unless the better is given up"""
    with up(world) as one:
        ahead(one)
        refused(promote(one, "pg-1", *DEAD, timeout="5s"), 65, "pg-2", "bytes of WAL")
        result = promote(one, *DEAD)
        equal(result.rc, 0, f"{result!r}")
        equal(one.named().name, "pg-2", result.out)
        equal(one.value(2, "SELECT count(*) FROM t", inside=True), "5000", "rows")
        one.pods[0].held = False
        one.wait_healthy(60)


def given_up(world):
    """a standby that a person gives up is passed over, and what that costs is told"""
    with up(world) as one:
        ahead(one)
        result = promote(one, "pg-1", "--peer-is-dead", "pg-0,pg-2")
        equal(result.rc, 0, f"{result!r}")
        check("is lost " in result.out and "bytes of WAL that pg-2 has" in result.out, result.out)
        equal(one.named().name, "pg-1", "named")
        refused(one.job("ordain", "form", "postgres", "--timeout", "20s", timeout_s=60), 65, "pg-2", "delete the pod")
        one.pods[0].held = False
        one.pods[2].recreate()
        one.wait_healthy(60)
        equal(len(kept(one, 2)), 1, "pg-2 keeps what it had")


def wrong_names(world):
    """names that are no pods of the set: 64; register none: 65"""
    with up(world) as one:
        equal(promote(one, "pg-9").rc, 64, "pg-9")
        equal(promote(one, "--peer-is-dead", "other-0").rc, 64, "other-0")
        equal(promote(one, env={"ORDAIN_REGISTER": "none"}, timeout="5s").rc, 65, "no register")


def two_at_once(world):
    """two and four promotions at once: the register lets one win, one primary, one timeline more"""
    with up(world) as one, one.guard():
        for count, primary in ((2, 0), (4, None)):
            primary = one.named().ordinal if primary is None else primary
            before = int(one.register_of()["timeline"])
            one.pods[primary].delete(force=True)
            others = [pod.name for pod in one.pods if pod.ordinal != primary]
            results = []
            lab.together([lambda name=others[index % 2]: results.append(
                promote(one, name, "--peer-is-dead", f"pg-{primary}")) for index in range(count)])
            check(any(result.rc == 0 for result in results), f"{results!r}")
            check(all(result.rc in (0, 65, 75) for result in results), f"{results!r}")
            equal(int(one.register_of()["timeline"]), before + 1, f"the timeline; {results!r}")
            one.pods[primary].held = False
            one.wait_healthy(60)


def synchronous(world):
    """rows that were acknowledged under --synchronous survive the primary's end"""
    with up(world) as one:
        result = one.job("ordain", "form", "postgres", "--synchronous", "1", timeout_s=60)
        equal(result.rc, 0, f"{result!r}")
        with one.guard(), one.writer() as writer:
            for _ in range(2):
                writer.wait_rows(100)
                primary = one.named()
                primary.delete(force=True)
                equal(promote(one, "--peer-is-dead", primary.name).rc, 0, "promote")
                equal(writer.lost(one.named().ordinal), [], "lost rows")
                primary.held = False
                one.wait_healthy(60)
                equal(one.value(one.named().ordinal, "SHOW synchronous_standby_names", inside=True),
                      'ANY 1 ("pg-0", "pg-1", "pg-2")', "the new primary's setting")
                equal(one.job("ordain", "form", "postgres", timeout_s=60).rc, 0, "form")


def register_of_before(world):
    """the register is an older one, restored while the servers run: no standby is promoted by it, and no row is lost"""
    with up(world) as one:
        equal(one.job("ordain", "form", "postgres", "--synchronous", "1", timeout_s=60).rc, 0, "form")
        with one.writer() as writer:
            one.pods[0].delete(force=True)
            equal(promote(one, "pg-1", *DEAD).rc, 0, "promote")
            one.pods[0].held = False
            one.wait_healthy(60)
            before = {name.replace("-", "_"): value for name, value in one.register_of().items()}
            one.pods[1].delete(force=True)
            equal(promote(one, "pg-2", "--peer-is-dead", "pg-1").rc, 0, "promote")
            one.pods[1].held = False
            one.wait_healthy(60)
            now = {name.replace("-", "_"): value for name, value in one.register_of().items()}
            with one.cut(one.pods[1], one.pods[2]):
                writer.wait_rows(100)
                writer.pause()
                write_register(one, **before)
                one.wait(lambda: "the register is an older one" in one.pods[1].probe_words["readiness"], 30, "pg-1 says it",
                         lambda: one.pods[1].probe_words)
            for words in ((), ("pg-1",), ("pg-0",)):
                refused(promote(one, *words), 65, "the register is an older one")
            one.pods[1].kill()
            one.wait(lambda: "the register is an older one" in one.pods[1].log(), 30, "its start says it, too", one.pods[1].describe)
            check("pg-1" not in one.primaries(), f"{one.primaries()}")
            write_register(one, **now)
            one.wait_healthy(60)
            for pod in one.pods:
                equal(writer.lost(pod.ordinal), [], f"{pod.name}'s rows")


def senseless_timeline(world):
    """a recorded timeline that no pod can have: refused before anything is changed"""
    with up(world, replicas=2) as one:
        right = {name.replace("-", "_"): value for name, value in one.register_of().items()}
        one.pods[0].delete(force=True)
        for timeline in (65, 4294967295):
            write_register(one, **{**right, "timeline": timeline})
            kept_register = one.register_of()
            refused(promote(one, *DEAD), 65, "the register is wrong")
            equal(one.register_of(), kept_register, "the register")
        write_register(one, **{**right, "timeline": 64})
        equal(promote(one, *DEAD).rc, 0, "promote")
        equal(one.register_of()["timeline"], "65", "its timeline")


def synchronous_of_another(world):
    """a pod that was away when commits were made to wait: promoted, its commits wait all the same"""
    with up(world) as one:
        one.pods[2].delete()
        refused(one.job("ordain", "form", "postgres", "--synchronous", "1", "--timeout", "3s"), 75, "pg-2")
        one.pods[2].held = False
        one.wait_healthy(60)
        equal(one.value(2, "SHOW synchronous_standby_names", inside=True), "", "pg-2 was away")
        one.pods[0].delete(force=True)
        refused(promote(one, "pg-2", *DEAD), 0, "commits wait for standbys")
        equal(one.value(2, "SHOW synchronous_standby_names", inside=True), 'ANY 1 ("pg-0", "pg-1", "pg-2")', "pg-2")


def lost_volume(world):
    """the primary's volume is lost: its pod waits, promote elsewhere settles it, and it clones"""
    with up(world) as one, one.guard():
        one.sql(0, "CREATE TABLE t (n int); INSERT INTO t VALUES (1)")
        one.wait_healthy(20)
        one.pods[0].recreate(keep_volume=False)
        one.wait(lambda: 65 in one.pods[0].exit_codes.get("init", []), 30, "pg-0 refuses")
        refused(promote(one, timeout="3s"), 75, "pg-0")
        equal(promote(one, *DEAD).rc, 0, "promote")
        one.wait_healthy(90)
        equal(one.value(0, "SELECT n FROM t"), "1", "the row")


def of_version(world, version):
    with up(world, version=version) as one, one.guard():
        check("nothing to do" in one.job("ordain", "form", "postgres", timeout_s=60).out, "form")
        one.pods[0].delete(force=True)
        equal(promote(one, *DEAD).rc, 0, "promote")
        one.pods[0].held = False
        one.wait_healthy(60)
        result = one.job("ordain", "status", "postgres", timeout_s=60)
        check(result.rc == 0 and f"PostgreSQL {version}" in result.out, f"{result!r}")


def oldest(world):
    """form, promote and status of PostgreSQL 13"""
    of_version(world, "13")


def newest(world):
    """the same of 18"""
    of_version(world, "18")


if __name__ == "__main__":
    lab.main([parallel, in_order, what_it_wrote, nothing_of_its_own, silent_register, followed, most_advanced, given_up,
              wrong_names, two_at_once, synchronous, register_of_before, senseless_timeline, synchronous_of_another,
              lost_volume, oldest, newest])
