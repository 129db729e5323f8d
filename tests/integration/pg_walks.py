"""The walks that the short test and the soak share."""

import dataclasses
import os
import random

from common import lab, postgres
from lab import note, ways
from lab import walk as walks

GRACE_S = 3.0


def walk(world, steps, seed=None, policy="Parallel", replicas=3, synchronous=0, still_s=walks.STILL_S, **options):
    """One random walk from a printed seed."""
    seed = int(os.environ.get("WALK_SEED") or (random.SystemRandom().randrange(10 ** 6)
                                               if seed is None else seed))
    steps = int(os.environ.get("WALK_STEPS") or steps)
    what = f"seed {seed}, {steps} steps, {replicas} pods, {policy}, synchronous {synchronous}"
    note(f"walk: {what}")
    template = dataclasses.replace(lab.spec.postgres(), grace_s=GRACE_S)
    with postgres(world, policy, replicas=replicas, template=template, volume_size="2g", **options) as one:
        way = ways.Ways(one)
        with one.guard(sees=lambda pod: way.is_open(pod.name)) as guard:
            one.up(120)
            one.wait_healthy(60)
            with one.writer(pause_s=0.02) as writer:
                path = walks.Walk(one, way, guard, writer, seed, synchronous, still_s)
                path.run(steps)
            note(f"{what}: {one.elapsed():.0f} s, {guard.changes - 1} changes of the primary, "
                 f"{len(writer.acknowledged)} rows, {guard.looks} looks")
