#!/usr/bin/python3
"""The birth of a replicated Postgres from plain pods, and the restarts that it survives."""

from common import lab, postgres
from lab import check, equal, note

ROWS = 300


def at_gate(one, pod, timeout_s=60):
    """Waits until a pod's init has succeeded and its main container waits at its gate."""
    one.wait(lambda: pod.at_gate("main"), timeout_s, f"{pod.name}'s init ends")


def second_init_changes_nothing(one, pod):
    """Runs init again where main has not started yet, and compares everything."""
    places = (pod.volume.path, pod.config, one.register)
    before = lab.take(*places)
    result = pod.run_init()
    equal(result.rc, 0, f"{pod.name}'s second init: {result!r}")
    equal(lab.differences(before, lab.take(*places)), [], f"{pod.name}'s second init")


def check_formed(one, index=0):
    """The register and every server agree on who is what."""
    named = one.named()
    equal(named, one.pods[index], "the named primary")
    equal(one.primaries(), [named.name], "primaries")
    register = one.register_of()
    equal((register["system-identifier"], register["timeline"]),
          (str(one.system_identifier(index)), str(one.timeline(index))), "the register")
    equal(set(one.streaming(index)), {pod.name for pod in one.pods} - {named.name}, "who streams")
    for pod in one.pods:
        with open(f"{pod.config}/role", encoding="ascii") as file:
            equal(file.read().strip(), "primary" if pod is named else "standby", pod.name)
    role = one.sql(index, "SELECT rolsuper, rolreplication, rolcanlogin FROM pg_roles "
                          "WHERE rolname = 'replicator'", inside=True)
    equal(role, [["f", "t", "t"]], "the replication role")


def write(one):
    """Rows that every standby must have afterwards."""
    with one.writer(pause_s=0) as writer:
        writer.wait_rows(ROWS)
    one.wait_healthy(30)
    for pod in one.pods:
        equal(writer.lost(pod.ordinal), [], f"{pod.name}'s rows")
    return writer


def born(one):
    """Waits for the birth; answers a writer whose rows are everywhere."""
    one.wait_ready(90)
    one.wait_healthy(60)
    note(f"{one.controller.policy}, {one.version}: healthy {one.elapsed():.1f} s after the first "
         "pod was made")
    check_formed(one)
    return write(one)


def birth(world, policy):
    """From nothing to one primary and two standbys; each init is run again before its server."""
    with postgres(world, policy) as one, one.guard():
        for pod in one.pods:
            pod.close_gate("main")
        one.start()
        for pod in one.pods:
            at_gate(one, pod)
            second_init_changes_nothing(one, pod)
            pod.open_gate("main")
            if pod.ordinal == 0:
                pod.wait_ready(60)
        born(one)


def restarts(world, policy):
    """One pod, each in turn, and all of them get new addresses: the same primary, the same data."""
    with postgres(world, policy) as one, one.guard():
        one.start()
        writer = born(one)
        identifier = one.system_identifier(0)
        for pod in reversed(one.pods):
            before = pod.ip
            pod.recreate()
            one.wait(lambda pod=pod, before=before: pod.ip != before, 30, "a new address")
            one.wait_ready(60)
            one.wait_healthy(60)
        one.restart_all()
        one.wait_ready(90)
        one.wait_healthy(60)
        equal((one.system_identifier(0), one.timeline(0)), (identifier, 1), "the same cluster")
        check_formed(one)
        for pod in one.pods:
            equal(writer.lost(pod.ordinal), [], f"{pod.name}'s rows")


def birth_parallel(world):
    """three pods become a primary and two standbys under Parallel; a second init writes nothing"""
    birth(world, "Parallel")


def birth_ordered(world):
    """three pods become a primary and two standbys under OrderedReady; a second init writes nothing"""
    birth(world, "OrderedReady")


def restarts_parallel(world):
    """each pod, then all, restarted with new addresses under Parallel"""
    restarts(world, "Parallel")


def restarts_ordered(world):
    """each pod, then all, restarted with new addresses under OrderedReady"""
    restarts(world, "OrderedReady")


def power_cut(world):
    """all nodes lose power; pods come back at new addresses without their init containers, twice"""
    with postgres(world) as one, one.guard():
        one.start()
        writer = born(one)
        for _ in range(2):
            lab.together([pod.reboot for pod in one.pods])
            one.wait_ready(60)
            one.wait_healthy(60)
        equal(one.timeline(0), 1, "nobody was promoted")
        for pod in one.pods:
            equal(writer.lost(pod.ordinal), [], f"{pod.name}'s rows")


def killed_servers(world):
    """every server is killed while rows are written; its container starts it again through exec"""
    with postgres(world) as one, one.guard():
        one.start()
        born(one)
        with one.writer(table="later") as writer:
            writer.wait_rows(50)
            for pod in one.pods:
                starts = pod.life.started["main"]
                check(pod.kill(), f"{pod.name} runs")
                one.wait(lambda pod=pod, starts=starts: pod.life.started["main"] > starts, 30,
                         f"{pod.name} starts again")
                one.wait_ready(60)
            writer.wait_rows(50, 60)
            writer.pause()
            one.wait_healthy(60)
            for pod in one.pods:
                equal(writer.lost(pod.ordinal), [], f"{pod.name}'s rows")
        check_formed(one)


def lost_standby(world):
    """a standby's volume is lost: it is cloned again, nobody else notices"""
    with postgres(world) as one, one.guard():
        one.start()
        writer = born(one)
        one.pods[2].recreate(keep_volume=False)
        one.wait(lambda: one.pods[2].life and one.pods[2].lives == 2, 30, "a new life")
        one.wait_ready(60)
        one.wait_healthy(60)
        equal(writer.lost(2), [], "rows of the new volume")
        check_formed(one)


def the_old_address_swallows_packets(world):
    """a standby that knocks at the primary's old address, where nobody answers, is back within seconds"""
    with postgres(world, replicas=2, dns_ttl_s=1) as one:
        one.up(60)
        one.wait_healthy(30)
        primary, standby = one.pods
        old = primary.addresses
        primary.delete(force=True)
        one.dns.publish(primary.name, old)  # the name lags behind
        one.wait(lambda: "SYN-SENT" in standby.run("ss", "-Htan", uid=0).out, 20, "it knocks")
        primary.recreate()
        # the kernel alone would knock for two minutes
        one.wait_healthy(30)


SCENARIOS = [birth_parallel, birth_ordered, restarts_parallel, restarts_ordered, power_cut,
             killed_servers, lost_standby,
             the_old_address_swallows_packets]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
