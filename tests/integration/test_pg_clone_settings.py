#!/usr/bin/python3
"""What init and exec are told of a clone: from whom, packed how, how fast; and what they tell while it lasts."""

import re

from common import lab, postgres
from lab import check, equal
from pg_cells import hold

SLOW = {"ORDAIN_PG_COMPRESSION": "none", "ORDAIN_PG_MAX_RATE": "2560kB"}
PROGRESS = re.compile(r"^info: cloning from pg-0 \(.*\): [\d.]+ MiB of [\d.]+ MiB \((\d+)%\), 2\.[0-9] MiB/s, (\d+) s left$",
                      re.MULTILINE)


def telling(one, *indexes):
    """From now on these servers log what replication asks of them."""
    for index in indexes:
        one.sql(index, "ALTER SYSTEM SET log_replication_commands = on", inside=True)
        one.sql(index, "SELECT pg_reload_conf()", inside=True)
        one.wait(lambda index=index: one.value(index, "SHOW log_replication_commands", inside=True) == "on", 10, "it reloads")


def backups(one, index):
    """The base backups that a server was asked for, as it was asked."""
    return re.findall(r"received replication command: (BASE_BACKUP.*)", one.pods[index].log())


def packed_and_slow(world):
    """each compression is asked for as it is set, and so is the rate; a slow clone tells rate and time left, a line each 10 s"""
    with postgres(world) as one:
        one.up(60)
        telling(one, 0)
        slow, stand = hold(one, 1), hold(one, 2)
        told = []
        slow.volume.clear()

        def methods():
            one.wait(lambda: slow.has(".clone"), 20, "the slow clone begins")
            check("MAX_RATE 2560" in backups(one, 0)[-1], f"the rate is asked for: {backups(one, 0)}")
            for method, asked in (("none", None), ("lz4", "lz4"), ("zstd", "zstd"), ("", "lz4")):
                stand.volume.clear()
                result = stand.init(ORDAIN_PG_COMPRESSION=method)
                equal(result.rc, 0, f"{method}: {result!r}")
                last = backups(one, 0)[-1]
                equal((re.findall(r"COMPRESSION '(\w+)'", last), "MAX_RATE" in last), ([asked] if asked else [], False), method)
            for name, value in (("ORDAIN_PG_COMPRESSION", "gzip"), ("ORDAIN_PG_MAX_RATE", "fast")):
                equal(stand.init(**{name: value}).rc, 78, f"{name} {value}")

        lab.together([lambda: told.append(slow.init(**SLOW)), methods])
        equal(told[0].rc, 0, f"the slow clone: {told}")
        lines = PROGRESS.findall(told[0].err)
        check(len(lines) == 1 and 0 < int(lines[0][0]) < 100 and 0 < int(lines[0][1]) < 10, f"one line in 10 s: {told}")
        for one_stand in (slow, stand):
            one_stand.go_on()
        one.wait_healthy(30)


def packed_in_vain(world):
    """a server that was built without what is asked for: the clone goes on without, and says so"""
    with postgres(world, replicas=2, version="17") as one:
        one.up(60)
        stand = hold(one, 1)
        for method, word in (("zstd", "warning"), ("lz4", "warning"), ("auto", None)):
            stand.volume.clear()
            result = stand.init(ORDAIN_PG_COMPRESSION=method)
            equal(result.rc, 0, f"{method}: {result!r}")
            equal("the clone goes on without compression" in result.err, word is not None, f"{method}: {result!r}")
        stand.go_on()
        one.wait_healthy(30)


def from_a_standby(world):
    """cloned from a standby: the primary sends no backup and holds the WAL; the standby dies on the way: then it does"""
    with postgres(world, env={"ORDAIN_PG_CLONE_FROM": "standby", "ORDAIN_PG_MAX_RATE": "16MB",
                              "ORDAIN_PG_COMPRESSION": "none"}) as one, one.guard():
        one.up(60)
        one.wait_healthy(30)
        telling(one, 0, 1)
        other, pod = one.pods[1:]

        def anew():
            pod.close_gate("main")
            pod.recreate(keep_volume=False)

        def slots(index):
            return one.sql(index, "SELECT active, restart_lsn IS NULL FROM pg_replication_slots WHERE slot_name = 'ordain_2'",
                           inside=True)

        def go_on():
            pod.open_gate("main")
            one.wait_ready(60)
            one.wait_healthy(30)

        with one.writer() as writer:
            writer.wait_rows(50)
            anew()
            one.wait(lambda: pod.at_gate("main"), 30, "cloned", pod.describe)
            equal((len(backups(one, 0)), len(backups(one, 1))), (0, 1), "who sent the backup")
            equal((slots(0), slots(1)), ([["f", "f"]], [["f", "t"]]), "the primary's slot holds WAL, the standby's none")
            writer.wait_rows(50)
            go_on()
            equal(slots(0), [["t", "f"]], "it follows from its slot")
            anew()
            one.wait(lambda: one.sql(1, "SELECT 1 FROM pg_stat_progress_basebackup WHERE backup_streamed > 0", inside=True), 20,
                     "the second clone", pod.describe)
            check(other.kill(), "pg-1 runs")
            one.wait(lambda: pod.at_gate("main"), 30, "cloned", pod.describe)
            equal(len(backups(one, 0)), 1, "then the primary sent one")
            check("not cloned from a standby: pg-1" in pod.log("init"), pod.log("init"))
            writer.wait_rows(50)
            go_on()
        one.wait_healthy(30)
        for each in one.pods:
            equal(writer.lost(each.ordinal), [], f"{each.name}'s rows")


SCENARIOS = [packed_and_slow, packed_in_vain, from_a_standby]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
