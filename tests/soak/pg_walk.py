#!/usr/bin/python3
"""Long random walks over a replicated Postgres. WALK_SEED repeats one, WALK_STEPS makes it longer, and
WALK_TELL=1 tells each step when it is done."""

import os
import sys

INTEGRATION = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration")
sys.path.insert(0, INTEGRATION)

from common import lab  # noqa: E402  pylint: disable=wrong-import-position
from pg_walks import walk  # noqa: E402  pylint: disable=wrong-import-position

STEPS = 300
SHORT = 60
TIMEOUT_S = 3600


@lab.timeout(TIMEOUT_S)
def three_sync(world):
    """three pods, Parallel, synchronous replication"""
    walk(world, STEPS, synchronous=1)


@lab.timeout(TIMEOUT_S)
def three_async(world):
    """three pods, OrderedReady, without synchronous replication"""
    walk(world, STEPS, policy="OrderedReady")


@lab.timeout(TIMEOUT_S)
def five_sync(world):
    """five pods, OrderedReady, synchronous replication"""
    walk(world, STEPS, policy="OrderedReady", replicas=5, synchronous=1)


@lab.timeout(TIMEOUT_S)
def five_async(world):
    """five pods, Parallel, without synchronous replication"""
    walk(world, STEPS, replicas=5)


@lab.timeout(TIMEOUT_S)
def oldest(world):
    """three pods of PostgreSQL 13, Parallel, synchronous replication"""
    walk(world, SHORT, synchronous=1, version="13")


@lab.timeout(TIMEOUT_S)
def newest(world):
    """three pods of PostgreSQL 18, OrderedReady, synchronous replication"""
    walk(world, SHORT, policy="OrderedReady", synchronous=1, version="18")


SCENARIOS = [three_sync, three_async, five_sync, five_async, oldest, newest]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
