"""A Redis Cluster is born, moves, loses a volume and keeps every key."""

import lab

from .screen import moved, pods_ready, whole

KEYS = 10_000
PODS = 6
VIEW = "every server says: state ok, 16384 slots, every replica's link up, one view"


def keys_there(screen, one):
    """Reads every key."""
    one.check_keys(KEYS)
    screen.done(f"{KEYS} of {KEYS} keys read back")


def birth(screen, one):
    """From six empty volumes to a cluster."""
    screen.step("Birth: six empty volumes, and nobody who creates a cluster")
    one.start()
    pods_ready(screen, one)
    whole(screen, one, VIEW)
    screen.answer(one.pods[0], "ordain", "status", "redis")


def keys(screen, one):
    """Keys go in and come back."""
    screen.step(f"Keys: {KEYS} of them, over all slots")
    one.write_keys(KEYS)
    screen.done(f"{KEYS} keys written")
    keys_there(screen, one)


def move(screen, one):
    """All pods are deleted and made again elsewhere."""
    screen.step("Move: all pods are deleted and come back at new addresses")
    moved(screen, one)
    whole(screen, one, VIEW)
    keys_there(screen, one)


def loss(screen, one):
    """A master's volume is deleted."""
    pod = one.masters_now()[0]
    screen.step(f"Loss: the volume of {pod.name}, a master, is deleted")
    before = one.node_of(pod.ordinal).id
    pod.recreate(keep_volume=False)
    screen.done(f"{pod.name} starts with an empty volume")
    pods_ready(screen, one)
    whole(screen, one, VIEW)
    row = one.node_of(pod.ordinal)
    heir = next(other for other in one.pods if one.node_of(other.ordinal).id == row.master)
    screen.done(f"{heir.name} is master now; {pod.name} came back as its replica, "
                f"{before[:8]} became {row.id[:8]}")
    keys_there(screen, one)


def show(world, screen):
    """The whole story of Redis."""
    with lab.Lab(world, replicas=PODS) as one:
        version = one.job("ordain", "--version").out.splitlines() or ["ordain"]
        server = one.job("redis-server", "--version").out.split()
        number = next((word[2:] for word in server if word.startswith("v=")), "?")
        screen.say(screen.paint(f"{version[0]} with redis-server {number}", "1"))
        screen.say(f"{PODS} pods of a StatefulSet, each a few namespaces of this machine.")
        for part in (birth, keys, move, loss):
            part(screen, one)
    screen.end("All keys are there")
