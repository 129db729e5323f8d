#!/usr/bin/python3
"""SIGKILL at every step of init and exec: no file is torn, and the next run does the right thing."""

from common import lab
from lab import check, equal, note
from redis_kills import (Bench, bench, birth_id, go_on, is_whole_table, mark_id, old_or_new, other_mark,
                         own_id)

KEYS = 2000
AT_LEAST = 20  # system calls that every start has: what walks fewer steps was not killed


def reference(one, start):
    """What an undisturbed run makes of START."""
    one.set(start)
    one.whole()
    return one.see()


def walk_to_one_end(one, start):
    """Kills at every step of what has one right end; answers that end."""
    new = reference(one, start)
    kills = one.walk(start, old_or_new(one, start, new))
    note(f"{one.command}: {kills} kills")
    check(kills >= AT_LEAST, f"{kills} kills are too few to have been at every step")
    return new


def births(world):
    """a birth killed at every step of init and exec is finished; then the pods make their cluster"""
    with bench(world) as one:
        by_exec = Bench(one.pods[3], "exec")
        born = walk_to_one_end(by_exec, {})
        check("state=born" in born["ordain.birth"], "exec says that a server may have started")
        by_init = Bench(one.pods[0], "init")
        seeded = walk_to_one_end(by_init, {})
        check("state=seeding" in seeded["ordain.birth"], "init does not say so")
        by_exec = Bench(one.pods[0], "exec")
        started = walk_to_one_end(by_exec, seeded)
        equal(started, {**seeded, "ordain.birth": other_mark(seeded["ordain.birth"])}, "exec after init")
        by_init.set({})
        go_on(one)
        one.wait_ready(60)
        one.wait_healthy(30)
        equal(own_id(by_init.see()["nodes.conf"]), birth_id(one, 0), "redis-0's id")
        one.write_keys(KEYS)
        one.check_keys(KEYS)


def moved(files, old, new):
    """The files of a pod as they were at another address."""
    return {name: text and text.replace(old, new) for name, text in files.items()}


def torn(files, keep_bytes):
    """nodes.conf as a crash of the machine leaves it."""
    return {**files, "nodes.conf": files["nodes.conf"][:keep_bytes]}


def restarts(world):
    """a restart at new addresses, a torn table and a lost one, killed at every step of exec and init"""
    with bench(world) as one:
        for ordinal, command in ((1, "exec"), (4, "init")):
            here = Bench(one.pods[ordinal], command)
            here.set({})
            Bench(one.pods[ordinal], "init").whole()
            good = reference(here, here.see())
            if command == "exec":
                elsewhere = moved(good, one.pods[ordinal].ip + ":", "10.244.99.99:")
                equal(walk_to_one_end(here, elsewhere)["nodes.conf"], good["nodes.conf"], "a restart")
                walk_to_one_end(here, torn(good, 500))
            else:
                fresh = {**good, "redis.conf": None, "role": None, "ordain.env": None}
                here.env["ORDAIN_PEER_WAIT"] = "50ms"  # for masters that could say whether it owns slots
                walk_to_one_end(here, torn(fresh, 0))


def lost_volumes(world):
    """a lost volume's start killed at every step never becomes a birth, nor uses its old id"""
    with bench(world) as one:
        for ordinal, command in ((0, "init"), (3, "exec")):
            here = Bench(one.pods[ordinal], command)
            here.set({})
            Bench(one.pods[ordinal], "init").whole()
            register = here.see()["register"]
            check(f"seeded.{ordinal}={birth_id(one, ordinal)}" in register, f"the register knows: {register}")
            old = birth_id(one, ordinal)

            def judge(seen, where, here=here, register=register, old=old):
                for name in ("nodes.conf", "nodes.conf.ordain"):
                    text = seen[name]
                    check(text is None or is_whole_table(text), f"{where}: {name}: {text!r}")
                    check(text is None or (own_id(text) != old and len(text.splitlines()) == 2),
                          f"{where}, a birth: {text!r}")
                said = here.whole()
                now = here.see()
                check("lost volume" in said or "restart" in said, f"{where}: {said}")
                check(own_id(now["nodes.conf"]) != old, f"{where}: the old id again")
                equal(mark_id(now["ordain.birth"]), own_id(now["nodes.conf"]), f"{where}: ids")
                check("state=born" in now["ordain.birth"], f"{where}: {now['ordain.birth']}")
                check(is_whole_table(now["nodes.conf"]) and len(now["nodes.conf"].splitlines()) == 2,
                      f"{where}: {now['nodes.conf']}")
                present = f"node.{here.pod.ordinal}={own_id(now['nodes.conf'])}"
                births = [line for line in now["register"].splitlines() if not line.startswith("node.")]
                equal(births, register.splitlines(), f"{where}: the register")
                check(present in now["register"].splitlines(), f"{where}: {present}: {now['register']}")
                equal(here.leftovers(), [], f"{where}: left over")

            kills = here.walk({"register": register}, judge)
            note(f"{command}: {kills} kills")
            check(kills >= AT_LEAST, "at every step")


SCENARIOS = [births, restarts, lost_volumes]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
