"""A Redis Cluster as its servers see it: nodes, views, health, keys."""

import hashlib
from dataclasses import dataclass

from . import redis

SLOTS = 16384
BATCH = 500


@dataclass
class Node:
    """One row of CLUSTER NODES."""

    id: str
    address: str  # ip:port, without the bus port and the host name
    hostname: str
    flags: tuple
    master: str  # id, or "-"
    pong: int
    epoch: int
    link: str
    slots: tuple  # sorted (first, last); migrating and importing slots are left out

    @property
    def role(self):
        """master or replica."""
        return "master" if "master" in self.flags else "replica"

    def count(self):
        """How many slots the node owns in this view."""
        return sum(last - first + 1 for first, last in self.slots)


def parse_nodes(text):
    """The rows of CLUSTER NODES (redis.io: id, ip:port@cport[,hostname[,aux=value]], flags, ...).
    """
    rows = []
    for line in text.splitlines():
        words = line.split()
        if len(words) < 8:
            continue
        place, *aux = words[1].split(",")
        slots = []
        for word in words[8:]:
            if not word.startswith("["):
                first, _, last = word.partition("-")
                slots.append((int(first), int(last or first)))
        rows.append(Node(words[0], place.split("@")[0], aux[0] if aux else "",
                         tuple(words[2].replace("myself,", "").split(",")), words[3],
                         int(words[5]), int(words[6]), words[7], tuple(sorted(slots))))
    return rows


def digest(rows):
    """What must be equal on every server: (id, address, role, master, slots) of all rows."""
    view = sorted((row.id, row.address, row.role, row.master, row.slots) for row in rows)
    return hashlib.sha1(repr(view).encode()).hexdigest()


def complaints(connection, known):
    """Why this server is not healthy, and the digest of its view: ([sentence], digest)."""
    replies = connection.pipeline([("CLUSTER", "INFO"), ("CLUSTER", "NODES"),
                                   ("INFO", "replication")])
    errors = [str(reply) for reply in replies if isinstance(reply, redis.ReplyError)]
    if errors:
        return errors, None
    state, rows = redis.info(replies[0]), parse_nodes(replies[1])
    found = [f"{field} is {state.get(field)}, not {value}" for field, value in (
        ("cluster_state", "ok"), ("cluster_slots_assigned", str(SLOTS)),
        ("cluster_slots_ok", str(SLOTS)), ("cluster_known_nodes", str(known)))
        if state.get(field) != value]
    bad = {"fail", "fail?", "handshake", "noaddr"}
    found += [f"{row.id[:8]} {row.address} is {','.join(row.flags)}" for row in rows
              if bad & set(row.flags)]
    mine = redis.info(replies[2])
    if mine.get("role") == "slave" and mine.get("master_link_status") != "up":
        found.append(f"its link to {mine.get('master_host')} is {mine.get('master_link_status')}")
    return found, digest(rows)


class Cluster:
    """Reads and writes keys wherever they live. `addresses` is a function that answers all pods'
    addresses; `access` says how to connect."""

    def __init__(self, addresses, access):
        self._addresses = addresses
        self._access = access

    def rows(self):
        """CLUSTER NODES of the first server that answers; raises Unreachable."""
        error = redis.Unreachable("there is no server")
        for address in self._addresses():
            try:
                with self._access.connect(address) as connection:
                    return parse_nodes(connection.call("CLUSTER", "NODES"))
            except (redis.Unreachable, redis.ReplyError) as caught:
                error = caught
        raise redis.Unreachable(str(error))

    def owners(self):
        """[(first slot, last slot, ip)] of all masters."""
        return [(first, last, row.address.rpartition(":")[0]) for row in self.rows()
                if row.role == "master" for first, last in row.slots]

    def batch(self, commands):
        """Runs (key, command) pairs on the keys' owners; answers replies in the same order.

        A reply may be a ReplyError; Unreachable when an owner cannot be reached or a slot has none.
        """
        owners = self.owners()
        places = {}
        for index, (key, _) in enumerate(commands):
            slot = redis.slot_of(key)
            ip = next((ip for first, last, ip in owners if first <= slot <= last), None)
            if ip is None:
                raise redis.Unreachable(f"slot {slot} has no owner")
            places.setdefault(ip, []).append(index)
        replies = [None] * len(commands)
        for ip, indices in places.items():
            with self._access.connect(ip, 5.0) as connection:
                for begin in range(0, len(indices), BATCH):
                    part = indices[begin:begin + BATCH]
                    for index, reply in zip(part, connection.pipeline(
                            [commands[index][1] for index in part])):
                        replies[index] = reply
        return replies

    def write(self, count, prefix="key"):
        """Writes `count` keys; raises Unreachable unless every single one was acknowledged."""
        keys = [f"{prefix}:{number}" for number in range(count)]
        replies = self.batch([(key, ("SET", key, f"value of {key}")) for key in keys])
        refused = [reply for reply in replies if reply != "OK"]
        if refused:
            raise redis.Unreachable(f"{len(refused)} of {count} writes refused: {refused[0]}")

    def is_flushed(self):
        """Whether the masters' append-only files have what was acknowledged: under `everysec` a
        busy server keeps it in memory for up to two seconds (aof.c flushAppendOnlyFile)."""
        for ip in {ip for _, _, ip in self.owners()}:
            with self._access.connect(ip) as connection:
                told = dict(line.split(":", 1) for line in
                            connection.call("INFO", "persistence").splitlines() if ":" in line)
            if told.get("aof_buffer_length", "0") != "0":
                return False
        return True

    def missing(self, count, prefix="key"):
        """Which of the keys that `write` wrote are lost or wrong."""
        keys = [f"{prefix}:{number}" for number in range(count)]
        replies = self.batch([(key, ("GET", key)) for key in keys])
        return [key for key, reply in zip(keys, replies) if reply != f"value of {key}"]

    def count(self):
        """The number of keys: DBSIZE of all masters with slots, added up."""
        total = 0
        for ip in {ip for _, _, ip in self.owners()}:
            with self._access.connect(ip) as connection:
                total += connection.call("DBSIZE")
        return total
