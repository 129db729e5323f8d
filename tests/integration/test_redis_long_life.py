#!/usr/bin/python3
"""What years bring: every volume lost once, pods scaled out and in, a volume restored from before a failover."""

from common import lab, ordain
from lab import check, equal
from never_merge import form
from test_redis_never_wipe import KEYS, born, promote, replicas_hold, whole


def every_volume_is_lost_once(world):
    """one pod after the other comes back with an empty volume: the cluster is still known for what it is"""
    with ordain(world) as one:
        born(one)
        replicas_hold(one)
        ids = {one.node_of(pod.ordinal).id for pod in one.pods}
        for pod in one.pods:
            pod.recreate(keep_volume=False)
            pod.wait_ready(120)
            one.wait_healthy(60)
        check(not ids & {one.node_of(pod.ordinal).id for pod in one.pods}, "no id is left of the birth")
        whole(one)
        result = one.job("ordain", "status", "redis")
        equal(result.rc, 0, f"status in a Job: {result!r}")
        result = one.job("ordain", "form", "redis", env={"ORDAIN_REGISTER": "file:/nowhere", "ORDAIN_TIMEOUT": "3s"})
        equal(result.rc, 78, f"form without the register that knows the pods: {result!r}")
        check("/nowhere" in result.err, f"it names the register: {result!r}")
        one.restart_all()
        whole(one)


def scaled_out_and_in(world):
    """two pods more, and away again: form forgets them, and they may come back"""
    with ordain(world) as one:
        born(one)
        one.scale(8)
        one.wait_ready(60)
        one.wait_healthy(60)
        one.scale(6)
        one.wait(lambda: form(one, "20s").rc == 0 and len(one.cluster_nodes(0)) == 6, 60, "form forgets who is gone",
                 lambda: form(one))
        whole(one)
        one.scale(8)
        one.wait_ready(60)
        one.wait_healthy(120)
        one.check_keys(KEYS)


def volume_from_before_a_failover(world):
    """master and replica follow each other after a restore: 65 names the setting, and it settles it"""
    with ordain(world) as one:
        born(one)
        replicas_hold(one)
        pod = one.pods[3]
        pod.delete()
        pod.volume.save()
        pod.held = False
        whole(one)
        promote(one, 3)
        replicas_hold(one)
        one.delete_all()
        pod.volume.restore()
        for each in one.pods:
            each.held = False
        one.wait(lambda: form(one).rc == 65, 60, "form refuses", lambda: form(one))
        result = form(one)
        check("--promote-replica" in result.err, f"it names the setting: {result!r}")
        result = form(one, "60s", "--promote-replica", "redis-0")
        equal(result.rc, 0, f"form: {result!r}")
        whole(one)


SCENARIOS = [every_volume_is_lost_once, scaled_out_and_in, volume_from_before_a_failover]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
