#!/usr/bin/python3
"""IPv6 alone and dual stack: the family of POD_IP rules, and no cluster has both."""

from dataclasses import replace

from common import lab, ordain
from lab import check, equal
from redis_proofs import born, lose_a_masters_volume, restart_everything, whole


def of_family(one, six):
    """Every address that any server knows, and every server's replication, has this family."""
    for pod in one.controller.wanted():
        for row in one.cluster_nodes(pod.ordinal):
            address = row.address.rpartition(":")[0]
            equal(":" in address, six, f"{pod.name} knows {row.address}: IPv6")
        with one.redis(pod.ordinal) as connection:
            for line in connection.call("INFO", "replication").splitlines():
                if line.startswith(("master_host:", "slave0:ip=")):
                    equal(line.count(":") > 2, six, f"{pod.name}: {line}: IPv6")


def life(world, families, policy, six):
    """Birth, status, new addresses, a lost volume, a job's form."""
    with ordain(world, policy, families=families) as one:
        born(one)
        of_family(one, six)
        restart_everything(one)
        lose_a_masters_volume(one, ordinal=1)
        of_family(one, six)
        result = one.job("ordain", "form", "redis", env={"POD_IP": one.pods[0].ip})
        equal(result.rc, 0, f"form: {result!r}")
        result = one.job("ordain", "status", "redis", "--output", "json")
        equal(result.rc, 0, f"a job without POD_IP: {result!r}")


def six_alone(world):
    """a life with IPv6 alone, under Parallel"""
    life(world, (6,), "Parallel", True)


def dual_stack_four(world):
    """a life in a dual stack where POD_IP is IPv4, under OrderedReady"""
    life(world, (4, 6), "OrderedReady", False)


def dual_stack_six(world):
    """a birth in a dual stack where POD_IP is IPv6"""
    with ordain(world, families=(6, 4)) as one:
        born(one)
        of_family(one, True)
        restart_everything(one)
        result = one.job("ordain", "form", "redis")
        equal(result.rc, 0, f"form by a job, which has no POD_IP: {result!r}")
        check("nothing to do" in result.out, f"form: {result!r}")
        one.pods[5].recreate(keep_volume=False)
        one.wait(lambda: one.job("ordain", "form", "redis").rc == 0, 20, "form succeeds")
        whole(one)
        of_family(one, True)


def formed(world, families):
    """Empty servers that nobody seeded become a cluster."""
    plain = lab.plain(("sh", "-c", "exec redis-server --port 6379 --dir /data --protected-mode no "
                       "--cluster-enabled yes --save '' --repl-diskless-sync-delay 0 "
                       "--cluster-announce-hostname $POD_NAME.redis.default.svc.cluster.local"))
    with ordain(world, families=families, fs_group=True,
                template=replace(plain, readiness=None, liveness=None)) as one:
        one.up(60)
        result = one.job("ordain", "form", "redis")
        equal(result.rc, 0, f"form: {result!r}")
        one.wait_healthy(30)
        one.write_keys(100)
        one.check_keys(100)
        of_family(one, families[0] == 6)


def formed_by_six(world):
    """form on unseeded servers with IPv6 alone"""
    formed(world, (6,))


def formed_in_dual_stack(world):
    """form on unseeded servers in a dual stack"""
    formed(world, (4, 6))


def family_changes(world):
    """pods whose POD_IP has the other family than the cluster are refused, or move all together"""
    with ordain(world, families=(4, 6)) as one:
        born(one)
        for keep in (True, False):
            pod = one.pods[4]
            before = len(pod.exit_codes["init"])
            pod.recreate(keep_volume=keep, addresses=pod.addresses[::-1])
            one.wait(lambda: len(pod.exit_codes["init"]) > before, 30, "init ends")
            equal(pod.exit_codes["init"][-1], 78, f"init, volume kept: {keep}")
            check("one family" in pod.termination["init"], pod.termination["init"])
            pod.recreate(addresses=pod.addresses[::-1])
            whole(one)
            of_family(one, False)
        for pod in one.pods:
            pod.addresses.reverse()
        one.restart_all(new_ip=False)
        whole(one)
        of_family(one, True)


SCENARIOS = [
    six_alone, dual_stack_four, dual_stack_six, formed_by_six, formed_in_dual_stack,
    family_changes,
]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
