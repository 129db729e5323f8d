"""What the benches share: worlds that answer a value, pods whose servers start at one moment, a
watcher of clusters, tables.

BENCH_ROUNDS and BENCH_SIZES change how often and with how many pods is measured. Nothing here
judges: the figures are for a reader.
"""

import json
import os
import statistics
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests"))

import lab  # noqa: E402  pylint: disable=wrong-import-position
from lab import cluster, redis  # noqa: E402  pylint: disable=wrong-import-position

NODE_TIMEOUT_MS = 5000  # what ordain's redis.conf says
DEFAULT_TIMEOUT_MS = 15000  # what Redis says by itself


def rounds(default):
    """How often each thing is measured."""
    return int(os.environ.get("BENCH_ROUNDS") or default)


def sizes(default):
    """The numbers of pods."""
    words = (os.environ.get("BENCH_SIZES") or "").replace(",", " ").split()
    return [int(word) for word in words] or list(default)


def load():
    """The load average of the last minute: others may work on this machine."""
    return os.getloadavg()[0]


def title(text):
    """The first lines: what is measured, when, on what."""
    binary = lab.ordain_binary()
    if not os.access(binary, os.X_OK):
        sys.exit("no build/ordain: run make")
    reason = lab.world.missing()
    if reason:
        sys.exit(reason)
    version = _first_line(binary, "--version")
    server = next((word[2:] for word in _first_line("redis-server", "--version").split()
                   if word.startswith("v=")), "?")
    print(f"{text}\n{version}, redis {server}, {time.strftime('%Y-%m-%d %H:%M')}, "
          f"{os.cpu_count()} cores, Linux {os.uname().release.split('-')[0]}, "
          f"load average {load():.1f} at the start\n", flush=True)


def _first_line(*argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()[0]


def in_world(function, *args, timeout_s=300):
    """Calls `function(world, *args)` in a world of its own; answers its value, None when it failed
    or took too long. The value crosses as JSON."""
    memory = os.memfd_create("answer")

    def inside(world):
        value = json.dumps(function(world, *args)).encode()
        os.pwrite(memory, value, 0)
        return 0
    status = lab.run(inside, timeout_s)
    data = os.pread(memory, os.fstat(memory).st_size, 0)
    os.close(memory)
    if status == 130:
        sys.exit(130)
    return json.loads(data) if status == 0 else None


def tools(world):
    """A directory for the pods' /bench with the small helpers (C, static) and room for results."""
    directory = os.path.join(world.dir, "bench")
    if not os.path.isdir(directory):
        os.mkdir(directory)
        os.chmod(directory, 0o777)
        for name in ("hold", "measure"):
            subprocess.run([os.environ.get("CC", "gcc"), "-O2", "-static", "-o",
                            os.path.join(directory, name), os.path.join(HERE, name + ".c")],
                           check=True)
    return directory


# ---- pods whose servers start at one moment

class Start:
    """The signal upon which all held containers of a lab become their servers."""

    def __init__(self, directory):
        self._path = os.path.join(directory, "go")
        self._fd = None
        os.mkfifo(self._path)
        os.chmod(self._path, 0o666)

    def argv(self, *argv):
        """`argv`, held back until `go`."""
        return ("/bench/hold", "/bench/go", *argv)

    def go(self, one):
        """Waits until every pod's main container is held, then lets them all go; the moment."""
        one.wait(lambda: all(pod.life and pod.life.main_process() for pod in one.pods), 120,
                 "every pod's main container has begun")
        time.sleep(0.5)
        began = time.monotonic()
        self._fd = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)  # stays open: late ones pass
        return began


def plain_server(timeout_ms):
    """redis-server without ordain, configured as ordain's redis.conf configures it, but for the
    node timeout and for what it announces."""
    return ("redis-server", "--port", "6379", "--bind", "* -::*", "--protected-mode", "no",
            "--dir", "/data", "--appendonly", "yes", "--cluster-enabled", "yes",
            "--cluster-node-timeout", str(timeout_ms), "--repl-diskless-sync-delay", "0")


def held_plain(start, timeout_ms):
    """A pod template of held plain servers."""
    return lab.PodSpec(main=lab.Container("main", start.argv(*plain_server(timeout_ms)),
                                          groups=(999,)))


def held_ordain(start):
    """ordain's pod template with a held main container and no probes, which nothing here needs and
    which would cost 60 pods on two cores more than the cluster itself."""
    template = lab.ordain(install=False)
    template.main.argv = start.argv(*template.main.argv)
    template.startup = template.liveness = template.readiness = None
    return template


# ---- the watcher

class Watcher:
    """Asks all servers, cheaply, until something holds on every one of them."""

    def __init__(self, addresses, access=None):
        self.addresses = list(addresses)
        self._access = access or redis.Access()
        self._connections = {}

    def close(self):
        """Closes all connections."""
        for connection in self._connections.values():
            connection.close()
        self._connections = {}

    def wait_accept(self, deadline):
        """Waits until every server accepts connections; the moment, or None at the deadline."""
        return self._wait(self._accepts, deadline)

    def wait_usable(self, deadline):
        """Waits until on every node the state is ok, 16384 slots are assigned and ok and all nodes
        known, and each replica's link is up; the moment, or None."""
        return self._wait(self._is_usable, deadline)

    def wait_agree(self, deadline):
        """Waits until all are usable, see the same table, flag nobody and have all links; the
        moment, or None."""
        views = {}
        return self._wait(lambda address: self._agrees(address, views), deadline, views.clear)

    def _wait(self, holds, deadline, begin=lambda: None):
        """The watching thread goes first on a busy machine: what it is late to see would be added
        to every time."""
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, -15)
        try:
            return self._watch(holds, deadline, begin)
        finally:
            os.setpriority(os.PRIO_PROCESS, thread, 0)

    def _watch(self, holds, deadline, begin):
        """A server for which it holds is not asked again until it holds for all; then one round
        proves that it holds for all at once."""
        pending = list(self.addresses)
        while time.monotonic() < deadline:
            begin()
            pending = [address for address in pending if not self._ask(holds, address)]
            if not pending:
                begin()
                pending = [address for address in self.addresses if not self._ask(holds, address)]
                if not pending:
                    return time.monotonic()
            time.sleep(0.01)
        return None

    def _ask(self, holds, address):
        try:
            return holds(address)
        except (redis.Unreachable, redis.ReplyError, ValueError):
            connection = self._connections.pop(address, None)
            if connection:
                connection.close()
            return False

    def _connection(self, address):
        if address not in self._connections:
            self._connections[address] = self._access.connect(address)
        return self._connections[address]

    def _accepts(self, address):
        return self._connection(address) is not None

    def _is_usable(self, address):
        state, mine = self._connection(address).pipeline([("CLUSTER", "INFO"),
                                                          ("INFO", "replication")])
        if isinstance(state, redis.ReplyError) or isinstance(mine, redis.ReplyError):
            return False
        state, mine = redis.info(state), redis.info(mine)
        wanted = {"cluster_state": "ok", "cluster_slots_assigned": str(cluster.SLOTS),
                  "cluster_slots_ok": str(cluster.SLOTS),
                  "cluster_known_nodes": str(len(self.addresses))}
        return (all(state.get(key) == value for key, value in wanted.items())
                and (mine.get("role") != "slave" or mine.get("master_link_status") == "up"))

    def _agrees(self, address, views):
        """One server's table is sound and the same as those seen in this round before it."""
        if views.get("differ") or not self._is_usable(address):
            views["differ"] = True
            return False
        rows = cluster.parse_nodes(self._connection(address).call("CLUSTER", "NODES"))
        bad = {"fail", "fail?", "handshake", "noaddr"}
        sound = all(row.link == "connected" and not bad & set(row.flags) for row in rows)
        same = views.setdefault("view", cluster.digest(rows)) == cluster.digest(rows)
        views["differ"] = not (sound and same)
        return not views["differ"]


# ---- figures

def median(values):
    """The median; None stands for "not within the limit" and is longer than everything."""
    known = [float("inf") if value is None else value for value in values]
    return statistics.median_high(known) if known else float("inf")


def seconds(value, limit_s):
    """A time for a table."""
    return f"> {limit_s:g}" if value is None or value == float("inf") else f"{value:.2f}"


def spread(values, limit_s):
    """Median and range."""
    if not values:
        return "failed"
    known = sorted(float("inf") if value is None else value for value in values)
    return (f"{seconds(median(values), limit_s)} "
            f"({seconds(known[0], limit_s)}..{seconds(known[-1], limit_s)})")


def ratio(values, against, limit_s):
    """How many times longer the median of `against` is."""
    mine, theirs = median(values), median(against)
    if not values or not against or mine == float("inf"):
        return "-"
    if theirs == float("inf"):
        return f"> {limit_s / mine:.1f}x"
    return f"{theirs / mine:.1f}x"


def table(heads, rows):
    """Prints a table in Markdown, aligned."""
    cells = [list(map(str, row)) for row in [heads, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
             for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    print("\n".join(lines), flush=True)


def note(text):
    """A line while it works."""
    print(text, flush=True)


def end():
    """The last line."""
    print(f"\nload average {load():.1f} at the end", flush=True)
