#!/usr/bin/python3
"""Peers that are no Redis servers: one clear line, the right status, bounded time and memory."""

import os
import re
import time
from dataclasses import replace

from common import lab, ordain
from lab import check, equal, note
from redis_proofs import KEYS, born, whole

HERE = os.path.dirname(os.path.abspath(__file__))
MODES = ("http", "half", "huge", "deep", "wide", "garbage", "silent", "closes", "endless", "escape",
         "torn", "lies")
MEMORY_KIB = 64 * 1024
SLACK_S = 2.5
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
DEBUG = os.path.join(HERE, "..", "..", "build", "debug", "ordain")


def bad():
    """The template of a pod whose server is none; /register/mode says what it is instead."""
    with open(os.path.join(HERE, "bad_server.py"), encoding="utf-8") as file:
        text = file.read()
    plain = lab.plain(("/usr/bin/python3", "-c", text, "/register/mode", "6379"))
    return replace(plain, readiness=None, liveness=None)


def become(one, mode):
    """What the bad server does from now on."""
    path = os.path.join(one.register, "mode")
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(mode)
    os.rename(path + ".new", path)


def mode_of(one):
    """What the bad server does now."""
    with open(os.path.join(one.register, "mode"), encoding="ascii") as file:
        return file.read()


class Measured:
    """A program under a clock and a limit of memory."""

    def __init__(self, program, memory):
        self.program = program
        self.memory = memory
        self.slowest = 0.0

    def run(self, one, pod, limit_s, *argv, env=None):
        """Runs it in a pod; its Result, well-behaved: no crash, no control characters, in time."""
        limit = f"ulimit -v {MEMORY_KIB}; " if self.memory else ""
        begin = time.monotonic()
        result = pod.run("/bin/sh", "-c", limit + 'exec "$@"', "sh", self.program, *argv,
                         timeout_s=limit_s + 20, env=env)
        took = time.monotonic() - begin
        self.slowest = max(self.slowest, took)
        what = f"{' '.join(argv)} with {mode_of(one)}: {result!r}"
        check(took < limit_s + SLACK_S, f"{took:.1f} s, not {limit_s}: {what}")
        check(result.rc is not None and 0 <= result.rc < 128 and result.rc != 70, what)
        check("Sanitizer" not in result.err, what)
        check(not CONTROL.search(result.out + result.err), f"control characters: {what}")
        return result


def last(result):
    """The last line on stderr."""
    return (result.err.strip().splitlines() or [""])[-1]


def ask_all(one, runs, mode, name):
    """Every command from pod 0, whose peer NAME is not what it shall be."""
    pod = one.pods[0]
    result = runs.run(one, pod, 2, "status", "redis")
    equal(result.rc, 1, f"status, {mode}: {result!r}")
    check("NOT HEALTHY" in result.out and name in result.out, f"status, {mode}: {result!r}")
    result = runs.run(one, pod, 2, "form", "redis", "--timeout", "1500ms")
    equal(result.rc, 75, f"form, {mode}: {result!r}")
    check(name in last(result), f"form, {mode}: {result!r}")
    result = runs.run(one, pod, 3, "plan", "init", "redis")
    check(result.rc in (0, 1, 75), f"plan init, {mode}: {result!r}")


def ask_rest(one, runs, mode, name):
    """What takes little time, and the bad pod's own probes."""
    result = runs.run(one, one.pods[1], 3, "plan", "form", "redis")
    equal(result.rc, 75, f"plan, {mode}: {result!r}")
    check(name in last(result), f"plan, {mode}: {result!r}")
    result = runs.run(one, one.pods[1], 2, "status", "redis", "--output", "json")
    equal(result.rc, 1, f"status in JSON, {mode}: {result!r}")
    result = runs.run(one, one.pods[1], 0.8, "probe", "redis", "readiness")
    equal(result.out.count("\n"), 1, f"readiness, {mode}: {result!r}")
    own_probe(one, runs, one.pods[4], mode)


def bad_peers(world):
    """every kind of bad peer: the program as it ships, in 64 MiB, and the sanitized one"""
    check(os.access(DEBUG, os.X_OK), "no build/debug/ordain: run make debug")
    both = [Measured("ordain", True), Measured("/debug/ordain", False)]
    binds = [(os.path.abspath(os.path.dirname(DEBUG)), "/debug", True)]
    with ordain(world, binds=binds) as one:
        born(one)
        good, pod = one.spec, one.pods[4]
        become(one, "closes")
        one.spec = bad()
        pod.recreate()
        one.wait(lambda: pod.phase == "Running" and listens(one, pod), 20, "the bad server")
        for mode in MODES:
            become(one, mode)
            lab.together([lambda ask=ask, m=mode, r=runs: ask(one, r, m, pod.name)
                          for ask in (ask_all, ask_rest) for runs in both])
        one.spec = good
        pod.recreate()
        whole(one, KEYS)
    note(f"the slowest command took {max(runs.slowest for runs in both):.2f} s")


def listens(one, pod):
    """True when a connection is taken."""
    try:
        one.access.connect(pod.ip).close()
        return True
    except lab.Unreachable:
        return False


def own_probe(one, runs, pod, mode):
    """The bad server's own probes: not alive, unless it answers well-formed errors."""
    result = runs.run(one, pod, 0.8, "probe", "redis", "readiness")
    equal((result.rc, result.out.count("\n")), (1, 1), f"own readiness, {mode}: {result!r}")
    result = runs.run(one, pod, 0.8, "probe", "redis", "liveness")
    alive = mode in ("escape", "lies")
    equal((result.rc, result.out.count("\n")), (0 if alive else 1, 1),
          f"own liveness, {mode}: {result!r}")


def births_beside_bad_peers(world):
    """five pods are born while the sixth is bad: nobody crashes, it joins when it is good"""
    with ordain(world) as one:
        good, wrong = one.spec, bad()
        become(one, "garbage")
        one.pods[5].held = True
        one.start()
        one.wait(lambda: all(pod.phase == "Running" for pod in one.pods[:5]), 60, "five run")
        one.spec = wrong
        one.pods[5].held = False
        one.pods[5].wait_phase("Running", 20)
        for pod in one.pods[:5]:
            result = pod.run("ordain", "plan", "init", "redis")
            check(result.rc in (0, 1, 75), f"plan init: {result!r}")
        one.spec = good
        one.pods[5].recreate()
        one.wait_ready(90)
        one.wait_healthy(60)
        one.write_keys(KEYS)
        whole(one)


SCENARIOS = [bad_peers, births_beside_bad_peers]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
