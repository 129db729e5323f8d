#!/usr/bin/python3
"""What the three probes answer in every state of a real server: one line, 0 or 1, in time."""

import os
import re
import threading
import time

from common import lab, ordain
from lab import check, equal, note
from redis_proofs import KEYS, born, shard_of, whole

SECRET = "pr0be-password"
KINDS = ("startup", "liveness", "readiness")
EXTRA = ("enable-debug-command yes\nbusy-reply-threshold 50\n"
         "loading-process-events-interval-bytes 1024\n")
SPAWN_S = 0.35 # of the machine's, on top of ordain's own 800 ms


class Prober:
    """Asks all probes of pods and notes the slowest."""

    def __init__(self):
        self.slowest = 0.0

    def ask(self, pod, kind, **options):
        """One probe: (status, sentence); it must be one line, in time and without a secret."""
        begin = time.monotonic()
        result = pod.run("ordain", "probe", "redis", kind, **options)
        took = time.monotonic() - begin
        self.slowest = max(self.slowest, took)
        check(result.rc in (0, 1), f"{kind}: {result!r}")
        text = result.out + result.err
        equal(text.count("\n"), 1, f"lines of {kind}: {result!r}")
        check(SECRET not in text, f"the password is in {text!r}")
        check(took < 0.8 + SPAWN_S, f"{kind} took {took:.2f} s: {text}")
        return result.rc, text.strip()

    def table(self, pod, rows):
        """{kind: (status, pattern)} for all three kinds."""
        for kind in KINDS:
            code, sentence = self.ask(pod, kind)
            equal(code, rows[kind][0], f"{pod.name} {kind}: {sentence}")
            check(re.search(rows[kind][1], sentence), f"{pod.name} {kind}: {sentence}")


def rows(lives, life, ready, readiness):
    """startup and liveness ask the same question."""
    return {"startup": (lives, life), "liveness": (lives, life), "readiness": (ready, readiness)}


def probed(world, **options):
    """A lab with a password whose servers may be driven mad."""
    return ordain(world, env={"ORDAIN_REDIS_PASSWORD": SECRET, "ORDAIN_TEMPLATE_DIR": "/templates"},
                  secrets={"/templates": {"extra.conf": EXTRA}},
                  access=lab.Access(password=SECRET), template=calm(), **options)


def calm():
    """The usual pods, whose kubelet ends nobody while a test holds a server back."""
    template = lab.ordain(probe_period_s=0.5)
    template.liveness.failures = 1000
    return template


def in_background(one, ordinal, *words):
    """Sends a command that does not return soon; the thread."""
    def send():
        try:
            with one.redis(ordinal, 60) as connection:
                connection.call(*words)
        except (lab.ReplyError, lab.Unreachable):
            pass
    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


def until(one, prober, pod, kind, pattern):
    """Waits until a probe says so."""
    one.wait(lambda: re.search(pattern, prober.ask(pod, kind)[1]), 15, f"{kind} says {pattern}")


def states(world):
    """good, loading, busy, without master, full of clients, frozen, gone: what each probe says"""
    prober = Prober()
    with probed(world) as one:
        born(one)
        master = one.pods[0]
        replica = one.pods[shard_of(one, 0)[1]]
        prober.table(master, rows(0, "^alive$", 0, "^ready: master, the cluster is ok$"))
        prober.table(replica, rows(0, "^alive$", 0, "^ready: replica, its link is up"))
        mistaken_secret(one, prober)
        loading(one, prober)
        busy(one, prober)
        full(one, prober)
        without_master(one, prober, master, replica)
        frozen(one, prober)
        gone(one, prober)
        whole(one)
    note(f"the slowest probe took {prober.slowest * 1000:.0f} ms with its exec")


def mistaken_secret(one, prober):
    """A Secret reaches all pods at once: where it cannot be read nobody is killed for it."""
    path = os.path.join(one.pods[0].volume.path, "two-lines")
    with open(path, "w", encoding="ascii") as file:
        file.write("one\ntwo\n")
    for name in ("/none", "/data/two-lines"):
        for kind, code in (("startup", 0), ("liveness", 0), ("readiness", 1)):
            told, sentence = prober.ask(one.pods[0], kind, env={"ORDAIN_REDIS_PASSWORD_FILE": name})
            equal(told, code, f"{kind} with {name}: {sentence}")
            check(name in sentence, f"{kind} says which file: {sentence}")
    os.unlink(path)


def loading(one, prober):
    """A server that loads its data lives and is not ready."""
    pod = one.pods[1]
    with one.redis(1) as connection:
        connection.call("CONFIG", "SET", "key-load-delay", "5000")
    thread = in_background(one, 1, "DEBUG", "RELOAD")
    until(one, prober, pod, "liveness", "loading")
    prober.table(pod, rows(0, "^alive: loading its data$", 1,
                           "^the server is loading its data(: LOADING .*)?(, [0-9]+ s left)?$"))
    thread.join(60)
    with one.redis(1) as connection:
        connection.call("CONFIG", "SET", "key-load-delay", "0")
    one.wait_healthy(60)


def busy(one, prober):
    """A server that runs an endless script lives and is not ready."""
    pod = one.pods[2]
    thread = in_background(one, 2, "EVAL", "while true do end", "0")
    until(one, prober, pod, "liveness", "error")
    prober.table(pod, rows(0, "^alive, and answers with an error$", 1,
                           "^the server answers with an error: BUSY"))
    with one.redis(2) as connection:
        connection.call("SCRIPT", "KILL")
    thread.join(10)
    one.wait_healthy(60)


def full(one, prober):
    """A server at its limit of clients lives and is not ready."""
    pod = one.pods[1]
    with one.redis(1) as connection:
        connection.call("CONFIG", "SET", "maxclients", "1")
        prober.table(pod, rows(0, "^alive, and answers with an error$", 1,
                               "^the server answers with an error: ERR max number of clients"))
        connection.call("CONFIG", "SET", "maxclients", "10000")
    one.wait_healthy(60)


def without_master(one, prober, master, replica):
    """A replica whose master hangs lives, even if it serves nothing, and is not ready."""
    with one.redis(replica.ordinal) as connection:
        connection.call("CONFIG", "SET", "replica-serve-stale-data", "no",
                        "cluster-replica-no-failover", "yes")
        master.freeze()
        connection.call("CLIENT", "KILL", "TYPE", "master")
        until(one, prober, replica, "liveness", "error")
        prober.table(replica, rows(0, "^alive, and answers with an error$", 1,
                                   "link to its master is down|the cluster is not ok"))
        prober.table(master, rows(1, "^the server does not answer: no answer in time$", 1,
                                  "^the server does not answer: no answer in time$"))
        master.thaw()
        connection.call("CONFIG", "SET", "replica-serve-stale-data", "yes",
                        "cluster-replica-no-failover", "no")
    one.wait_healthy(60)


def frozen(one, prober):
    """While half of all servers hang, the probes of the others end in time."""
    for ordinal in (1, 2, 4):
        one.pods[ordinal].freeze()
    for _ in range(3):
        for ordinal in (0, 3, 5):
            equal(prober.ask(one.pods[ordinal], "liveness"), (0, "alive"), f"redis-{ordinal}")
            prober.ask(one.pods[ordinal], "readiness")
    for ordinal in (1, 2, 4):
        one.pods[ordinal].thaw()
    one.wait_healthy(60)


def gone(one, prober):
    """Where no server listens that is said."""
    pod = one.pods[5]
    pod.close_gate("main")
    pod.kill()
    one.wait(lambda: pod.at_gate("main"), 20, "the container ended")
    prober.table(pod, rows(1, "^the server does not answer: Connection refused$", 1,
                           "^the server does not answer: Connection refused$"))
    pod.open_gate("main")


def alone_in_order(world):
    """OrderedReady: pod 0 alone is ready, says why, and is no more once all names are there"""
    prober = Prober()
    with probed(world, policy="OrderedReady") as one:
        one.pods[1].held = True
        one.start()
        one.pods[0].wait_ready(30)
        code, sentence = prober.ask(one.pods[0], "readiness")
        equal(code, 0, sentence)
        check("a higher pod does not exist yet (OrderedReady)" in sentence, sentence)
        with one.redis(0) as connection:
            check("cluster_state:fail" in connection.call("CLUSTER", "INFO"), "state fail")
        one.dns.server.stop()
        equal(prober.ask(one.pods[0], "readiness")[0], 1, "silence is no missing name")
        one.dns.server.go_on()
        for mode in ("servfail", "refused"):
            one.dns.server.ill(mode)
            one.wait(lambda: prober.ask(one.pods[0], "readiness")[0] == 1, 5, f"{mode} is no missing name")
        one.dns.server.ill("nodata")
        one.wait(lambda: prober.ask(one.pods[0], "readiness")[0] == 0, 5, "no address is a missing name")
        one.dns.server.well()
        one.pods[1].held = False
        one.wait_ready(60)
        one.wait_healthy(60)
        one.write_keys(KEYS)
        whole(one)


SCENARIOS = [states, alone_in_order]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
