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


def resolve(pod, short, kind="A"):
    """The addresses that a pod sees under the name of another one, sorted."""
    return pod.ask(pod.lab.dns.name_of(short), kind)[1]


def until_resolves(one, short, addresses):
    """Waits until a pod sees exactly these addresses under the name of another one."""
    one.lab.wait(lambda: resolve(one, short) == sorted(addresses), 5,
                 f"{one.name} finds {short} at {addresses}", lambda: resolve(one, short))


def plain_postgres(world, replicas=1, **options):
    """A lab of the official Postgres image without ordain, on volumes that it may write to."""
    return lab.PostgresLab(world, template=options.pop("template", None) or lab.plain_postgres(),
                           replicas=replicas, fs_group=True, **options)


def postgres(world, policy="Parallel", **options):
    """A lab of three pods that ordain makes a primary and two standbys."""
    return lab.PostgresLab(world, policy=policy, **options)
