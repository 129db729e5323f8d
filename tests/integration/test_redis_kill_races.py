#!/usr/bin/python3
"""Late names, lost names, silent name servers, frozen pods, registers that cannot be asked, pods that come and go."""

import os

from common import lab, ordain, plain
from lab import check, equal, note
from never_merge import form, hold, later
from test_redis_kill_form import finish, unborn

KEYS = 2000


def whole(one):
    """Ready, healthy, of one mind, nothing lost."""
    one.wait_ready(90)
    one.wait_healthy(60)
    one.check_keys(KEYS)
    result = form(one, "60s")
    equal(result.rc, 0, f"form: {result!r}")


def born(one):
    """A healthy cluster with keys."""
    one.wait_ready(90)
    one.wait_healthy(60)
    one.write_keys(KEYS)
    hold(one)


def late_names(world, policy):
    """A birth and a full restart while names appear 5 s late."""
    with ordain(world, policy) as one:
        one.dns.delay_s = 5 if policy == "Parallel" else 1
        one.start()
        born(one)
        note(f"{policy}: born after {one.elapsed():.1f} s")
        one.restart_all()
        whole(one)


def names_are_late(world):
    """names appear 5 s late: a birth and a full restart under Parallel"""
    late_names(world, "Parallel")


def names_are_late_in_order(world):
    """names appear 1 s late each: a birth and a full restart under OrderedReady"""
    late_names(world, "OrderedReady")


def names_vanish(world):
    """all names are withdrawn for a while: nobody is hurt, form waits, a pod that restarts comes back"""
    with ordain(world) as one:
        one.start()
        born(one)
        for pod in one.pods:
            one.dns.lie(pod.name, [])
        result = form(one, "2s")
        equal(result.rc, 75, f"form: {result!r}")
        one.pods[1].recreate()
        one.wait(lambda: one.pods[1].phase == "Running", 60, "redis-1 runs")
        one.check_keys(0)
        for pod in one.pods:
            one.dns.truth(pod.name)
        whole(one)


def a_name_server_is_silent(world):
    """the first of two name servers is silent: birth, restart and form take a little longer"""
    path = os.path.join(world.dir, "resolv.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write("search default.svc.cluster.local svc.cluster.local cluster.local\n"
                   "nameserver 10.244.250.250\nnameserver 10.96.0.10\noptions ndots:5\n")
    with ordain(world, binds=[(path, "/etc/resolv.conf", True)]) as one:
        one.start()
        born(one)
        note(f"born after {one.elapsed():.1f} s")
        one.restart_all()
        whole(one)


def a_pod_freezes(world):
    """a pod hangs while form gives birth, and another one while everything restarts"""
    with plain(world, 6) as one:
        one.up(30)
        unborn(one)
        one.pods[4].freeze()
        results = []
        lab.together([lambda: results.append(form(one, "60s")), later(one, 2, one.pods[4].thaw)])
        equal(results[0].rc, 0, f"form: {results[0]!r}")
        finish(one, "after a pod hung")
        unborn(one)
        results.clear()
        lab.together([lambda: results.append(form(one, "60s")), later(one, 0.3, one.pods[1].freeze),
                      later(one, 3, one.pods[1].thaw)])
        equal(results[0].rc, 0, f"form: {results[0]!r}")
        finish(one, "after a pod hung in the middle")


def a_pod_freezes_in_a_restart(world):
    """a pod hangs right after its start while everything restarts at new addresses"""
    with ordain(world) as one:
        one.start()
        born(one)
        one.restart_all()
        one.wait(lambda: "main" in one.pods[1].life.processes if one.pods[1].life else False, 30, "redis-1 starts")
        one.pods[1].freeze()
        one.wait(lambda: all(pod.phase == "Running" for pod in one.pods), 30, "all run")
        result = form(one, "3s")
        check(result.rc in (75, 65), f"form: {result!r}")
        one.pods[1].thaw()
        whole(one)


def registers_fail(world):
    """the register cannot be read for a while: births wait, restarts go on; what it forgot it learns again"""
    with ordain(world) as one:
        os.chmod(one.register, 0o000)
        one.start()
        one.wait(lambda: all(len(pod.exit_codes.get("init", [])) >= 2 for pod in one.pods), 30, "inits end")
        check(all(0 not in pod.exit_codes["init"] for pod in one.pods), "nobody was born")
        equal([os.path.exists(pod.volume.file("nodes.conf")) for pod in one.pods], [False] * 6, "tables")
        os.chmod(one.register, 0o777)
        born(one)
        path = os.path.join(one.register, "redis-ordain")
        for text in (None, "no register at all\n", "format=7\n"):
            if text is None:
                os.chmod(one.register, 0o000)
            else:
                with open(path, "w", encoding="ascii") as file:
                    file.write(text)
            one.restart_all()
            one.wait_ready(60)
            one.wait_healthy(30)
            one.check_keys(KEYS)
            os.chmod(one.register, 0o777)
        os.unlink(path)
        one.restart_all()
        one.wait_ready(60)
        with open(path, encoding="ascii") as file:
            known = file.read()
        equal([f"seeded.{pod.ordinal}={one.node_of(pod.ordinal).id}" in known for pod in one.pods], [True] * 6,
              f"the register knows everybody again: {known}")
        hold(one)
        one.restart_all(before=one.pods[0].volume.lose)
        whole(one)


def first_pod_alone(world):
    """OrderedReady: pod 0 becomes ready alone, before the first birth and after a full stop"""
    with ordain(world, "OrderedReady") as one:
        one.pods[1].held = True
        one.start()
        one.pods[0].wait_ready(30)
        one.pods[1].held = False
        born(one)
        one.delete_all()
        one.pods[0].held = False
        one.pods[0].wait_ready(30)
        one.wait(lambda: one.pods[1].phase == "Absent", 5, "redis-1 is not there")
        for pod in one.pods[1:]:
            pod.held = False
        whole(one)


def pods_go_while_form_runs(world):
    """pods are deleted one after the other while form runs, one of them with its volume"""
    with ordain(world) as one:
        one.start()
        born(one)
        results = []

        def forms():
            for _ in range(3):
                results.append(form(one, "20s").rc)

        def deletions():
            for ordinal in (1, 4, 2):
                one.pods[ordinal].recreate(keep_volume=ordinal != 4)
                one.wait(lambda o=ordinal: one.pods[o].ready, 60, f"redis-{ordinal} is ready")
        lab.together([forms, deletions])
        check(set(results) <= {0, 75}, f"forms: {results}")
        whole(one)


SCENARIOS = [
    names_are_late, names_are_late_in_order, names_vanish, a_name_server_is_silent, a_pod_freezes,
    a_pod_freezes_in_a_restart, registers_fail, first_pod_alone, pods_go_while_form_runs,
]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
