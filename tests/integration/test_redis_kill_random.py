#!/usr/bin/python3
"""SIGKILL at random: of init, of exec and its server, of form; births, restarts and lost volumes under it."""

import random

from common import lab, ordain
from lab import check, equal, note
from never_merge import hold

KEYS = 2000
INIT_S = 0.015   # an init takes so long, about
SERVER_S = 0.4   # exec and the first moments of its server


class Killer:
    """Random kills, the same again for the same seed: printed, and taken from $SEED by the soak."""

    def __init__(self, seed=None):
        self.seed = random.randrange(10 ** 6) if seed is None else seed
        self.random = random.Random(self.seed)
        self.kills = 0
        note(f"seed {self.seed}")

    def plan(self, pod, inits=4, mains=3):
        """The next starts of the pod's containers are killed."""
        pod.crash("init", *[self.random.uniform(0, INIT_S) for _ in range(inits)], None)
        pod.crash("main", *[self.random.uniform(0, SERVER_S) for _ in range(mains)], None)

    def forms(self, one, count=4):
        """Forms in Jobs, killed after a while; the last one is not."""
        for _ in range(count):
            after_s = self.random.uniform(0.02, 1.0)
            one.job("timeout", "-s", "KILL", f"{after_s:.3f}", "ordain", "form", "redis", timeout_s=30)
            self.kills += 1

    def count(self, one):
        """How many containers were killed so far, forms included."""
        return self.kills + sum(code in (-9, 137) for pod in one.pods for name in ("init", "main")
                                for code in pod.exit_codes.get(name, []))


def whole(one, keys=KEYS):
    """No kill is to come; ready, healthy, of one mind, no key lost."""
    one.wait(lambda: not any(pod.crashes_to_come() for pod in one.pods), 60, "every kill has happened")
    one.wait_ready(120)
    one.wait_healthy(90)
    if keys:
        one.check_keys(keys)
    result = one.job("ordain", "form", "redis", env={"ORDAIN_TIMEOUT": "60s"}, timeout_s=90)
    equal(result.rc, 0, f"form: {result!r}")


def killed_life(world, policy, rounds, seed=None):
    """A birth, then ROUNDS of full restarts and lost volumes, all under kills; answers their number."""
    killer = Killer(seed)
    with ordain(world, policy) as one:
        for pod in one.pods:
            killer.plan(pod)
        one.start()
        killer.forms(one, 3)
        whole(one, 0)
        one.write_keys(KEYS)
        for turn in range(rounds):
            hold(one)
            one.delete_all(force=turn % 2 == 1)
            for pod in one.pods:
                killer.plan(pod)
                pod.held = False
            killer.forms(one, 2)
            whole(one)
            hold(one)
            lost = killer.random.choice(one.pods)
            killer.plan(lost)
            lost.recreate(keep_volume=False, force=True)
            killer.forms(one, 2)
            whole(one)
        count = killer.count(one)
        note(f"{policy}: {count} kills")
        return count


def life_in_parallel(world):
    """a birth, a full restart and a lost volume under random kills of everything, Parallel"""
    check(killed_life(world, "Parallel", 1) >= 40, "killed often")


def life_in_order(world):
    """the same under OrderedReady"""
    check(killed_life(world, "OrderedReady", 1) >= 40, "killed often")


def servers_die(world, rounds, seed=None):
    """Servers are killed without init, nodes.conf torn meanwhile: exec mends; answers the number of kills."""
    killer = Killer(seed)
    with ordain(world) as one:
        one.up(60)
        one.wait_healthy(30)
        one.write_keys(KEYS)
        for turn in range(rounds):
            hold(one)
            pods = killer.random.sample(one.pods, 2)
            for pod in pods:
                pod.close_gate("main")
                pod.kill()
            for pod in pods:
                one.wait(lambda pod=pod: pod.at_gate("main"), 20, f"{pod.name} waits")
                with open(pod.volume.file("nodes.conf"), "r+", encoding="utf-8") as file:
                    size = len(file.read())
                    file.truncate(killer.random.choice((0, 1, size // 3, size - 1, size)))
                pod.open_gate("main")
            whole(one)
            killer.kills += 2
            check(all(len(pod.exit_codes["init"]) == 1 for pod in one.pods), f"round {turn}: no init ran")
        note(f"{killer.kills} kills")
        return killer.kills


def servers_die_without_init(world):
    """servers are killed again and again without init, their nodes.conf torn meanwhile: exec mends"""
    servers_die(world, 3)


SCENARIOS = [life_in_parallel, life_in_order, servers_die_without_init]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
