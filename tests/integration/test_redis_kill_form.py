#!/usr/bin/python3
"""SIGKILL of form at every step, two of them at once: the next one finishes, and what was lowered is restored."""

import os

from common import lab, ordain, plain
from lab import check, equal, note
from redis_kills import KILLED

KEYS = 1000
TIMEOUT_MS = 5000  # what ordain's redis.conf says
SENDS = (1, 4, 7, 8, 10, 13, 16, 19, 22, 25, 31, 40, 60, 90, 130)


def unborn(one):
    """The servers are as new: no keys, nobody known, ids of their own choice; the register is empty."""
    for pod in one.pods:
        with one.redis(pod.ordinal) as connection:
            connection.pipeline([("FLUSHALL",), ("CLUSTER", "RESET", "HARD"),
                                 ("CONFIG", "SET", "cluster-node-timeout", TIMEOUT_MS)])
    for name in os.listdir(one.register):
        os.unlink(os.path.join(one.register, name))


def timeouts(one):
    """Each server's cluster-node-timeout."""
    found = []
    for pod in one.pods:
        with one.redis(pod.ordinal) as connection:
            found.append(int(connection.call("CONFIG", "GET", "cluster-node-timeout")[1]))
    return found


def form(one, *strace, ordinal=0):
    """form, run in a pod; Result."""
    return one.pods[ordinal].run(*strace, "ordain", "form", "redis", timeout_s=120)


def killed_form(one, call, nth):
    """form, killed at the nth call of this kind; False when it ended before."""
    result = form(one, *lab.killed_at((), call, nth))
    check(result.rc == 0 or result.rc in KILLED, f"form killed at {call} {nth}: {result!r}")
    return result.rc != 0


def finish(one, where, keys=KEYS):
    """The next form makes the cluster whole, and restores what was lowered; the one after finds nothing."""
    result = form(one)
    equal(result.rc, 0, f"{where}: {result!r}")
    equal(timeouts(one), [TIMEOUT_MS] * len(one.pods), f"{where}: timeouts")
    one.wait_healthy(20)
    one.write_keys(keys)
    one.check_keys(keys)
    result = form(one)
    check(result.rc == 0 and "nothing to do" in result.out, f"{where}, once more: {result!r}")


def birth_killed(world, steps):
    """Unborn servers; form is killed at each of STEPS, (call, nth) pairs; answers the number of kills."""
    kills, lowered = 0, 0
    with plain(world, 6) as one:
        one.up(30)
        for call, nth in steps:
            unborn(one)
            kills += killed_form(one, call, nth)
            lowered += any(value != TIMEOUT_MS for value in timeouts(one))
            finish(one, f"form killed at {call} {nth}")
    note(f"{kills} kills, {lowered} of them while timeouts were lowered")
    check(lowered > 0, "form was killed while it had lowered the timeouts")
    return kills


def births(world):
    """form of unborn servers killed at its steps: the next one finishes and restores the timeouts"""
    steps = [("renameat", nth) for nth in (1, 4, 6)] + [("sendto", nth) for nth in SENDS]
    check(birth_killed(world, steps) >= len(steps) - 3, "killed")


def killed_again_and_again(world):
    """form of unborn servers killed a little later each time: the servers come on, and the last one ends it"""
    with plain(world, 6) as one:
        one.up(30)
        unborn(one)
        nth = 1
        while killed_form(one, "sendto", nth):
            nth += nth // 4 + 1
        note(f"the one to be killed at its message {nth} had less to do")
        finish(one, "after all of these")


def two_at_once(world):
    """two and four forms at once give birth to one cluster"""
    with plain(world, 6) as one:
        one.up(30)
        for count in (2, 4):
            unborn(one)
            results = []
            lab.together([lambda ordinal=ordinal: results.append(form(one, ordinal=ordinal))
                          for ordinal in range(count)])
            equal([result.rc for result in results], [0] * count, f"{results!r}")
            finish(one, f"{count} at once")


def idle(world, **options):
    """A healthy cluster of ordain's whose probes come too seldom to mend anything."""
    one = ordain(world, template=lab.ordain(install=False, probe_period_s=300), **options)
    one.start()
    return one


def answering(one, ordinal):
    """True when a pod's server answers."""
    try:
        return bool(one.node_of(ordinal))
    except (lab.Unreachable, lab.ReplyError):
        return False


def repair_killed(world, sends, ordinals):
    """A master's volume is lost; forms that mend it are killed, one after the other; the last one ends it."""
    with idle(world) as one:
        one.wait(lambda: all(answering(one, pod.ordinal) for pod in one.pods), 60, "servers")
        one.wait_healthy(30)
        for ordinal in ordinals:
            one.write_keys(KEYS)
            for pod in one.masters_now():
                with one.redis(pod.ordinal, 10) as connection:
                    connection.call("WAIT", "1", "5000")
            pod = one.pods[ordinal]
            pod.recreate(keep_volume=False, force=True)
            one.wait(lambda o=ordinal: answering(one, o), 30, f"{pod.name}'s server answers")
            kills = sum(killed_form(one, "sendto", nth) for nth in sends)
            lab.together([lambda n=n: form(one, ordinal=n) for n in range(2)])
            result = form(one)
            equal(result.rc, 0, f"{pod.name}'s volume: {result!r}")
            one.wait_healthy(30)
            one.check_keys(KEYS)
            note(f"{pod.name}'s volume was lost: {kills} kills")


def repairs(world):
    """form that mends a master's lost volume killed at its steps, then two at once: no key is lost"""
    repair_killed(world, (20, 45, 70, 100, 140), (1, 4))


SCENARIOS = [births, killed_again_and_again, two_at_once, repairs]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
