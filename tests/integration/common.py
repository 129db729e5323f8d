"""What the scenarios share: the way to the lab, and a few labs that they often want."""

import os
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, TESTS)

import lab  # noqa: E402  pylint: disable=wrong-import-position


def plain(world, replicas=3, policy="Parallel", template=None, **options):
    """A lab of plain servers on volumes that they may write to."""
    return lab.Lab(world, template=template or lab.plain(), replicas=replicas, policy=policy,
                   fs_group=True, **options)


def ordain(world, policy="Parallel", template=None, **options):
    """A lab of six pods that ordain makes a cluster."""
    return lab.Lab(world, template=template or lab.ordain(), policy=policy, **options)


def resolve(pod, name, kind="A"):
    """What a pod's own resolver set-up answers for a name: a sorted list of addresses."""
    result = pod.run("dig", "+short", "+search", "+tries=1", "+time=1", name, kind)
    return sorted(line for line in result.out.split() if line and not line.startswith(";"))


def until_resolves(one, name, addresses, what):
    """Waits until a pod sees exactly these addresses."""
    one.lab.wait(lambda: resolve(one, name) == sorted(addresses), 5, what,
                 lambda: resolve(one, name))
