"""The cluster's DNS: dnsmasq in a namespace of its own, records as Kubernetes publishes them.

`Server` is the one dnsmasq of a world, `Zone` the names of one headless service in it.

`<pod>.<service>.<namespace>.svc.<domain>` has the pod's addresses, the service's own name all that
are published; any other name does not exist (NXDOMAIN at once). What a name answers changes some
time after the pod did: `delay_s` after it got its address, `stale_s` after it went away. While an
old record is still shown, a new one waits behind it, as behind a cache.
"""

import heapq
import itertools
import os
import re
import signal
import sys
import threading
import time

from . import net

DNSMASQ = ("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=",
           "--user=root", "--group=root", "--no-resolv", "--no-hosts", "--no-poll",
           "--bind-interfaces", "--log-facility=-", "--log-queries", "--local=/#/",
           "--edns-packet-max=1232", "--dns-forward-max=5000")
READY = re.compile(r"read \S*dns\.hosts|^ready$", re.MULTILINE)


class Zone:
    """The names of one headless service. Times in seconds, and may be changed at any time."""

    def __init__(self, server, service, namespace="default", domain="cluster.local"):
        self.server = server
        self.service = service
        self.namespace = namespace
        self.domain = domain
        self.delay_s = 0.0
        self.stale_s = 0.0

    @property
    def addresses(self):
        """The server's addresses."""
        return self.server.addresses

    def zone(self):
        """The service's name without the final dot."""
        return f"{self.service}.{self.namespace}.svc.{self.domain}"

    def name_of(self, pod_name):
        """A pod's full name without the final dot."""
        return f"{pod_name}.{self.zone()}"

    def shown(self, pod_name):
        """The addresses that the pod's name answers now ([]: it does not exist)."""
        return self.server.shown(self.name_of(pod_name))

    def publish(self, pod_name, addresses):
        """The pod has these addresses now; its name says so after `delay_s`."""
        self.server.change(self.name_of(pod_name), list(addresses), self.delay_s)

    def withdraw(self, pod_name):
        """The pod is gone; its name says so after `stale_s`."""
        self.server.change(self.name_of(pod_name), None, self.stale_s)

    def lie(self, pod_name, addresses):
        """The name answers these addresses (none: it does not exist) until `truth` is called."""
        self.server.lie(self.name_of(pod_name), list(addresses))

    def truth(self, pod_name):
        """Ends the lie about a name."""
        self.server.lie(self.name_of(pod_name), None)


class Server:
    """The DNS server of a world, at `addresses`. `ttl_s` is the TTL of its answers."""

    def __init__(self, world, network, ttl_s=5):
        self.ttl_s = ttl_s
        self.addresses = [net.DNS[family] for family in network.families]
        self.log = os.path.join(world.dir, "dns.log")
        self._hosts = os.path.join(world.dir, "dns.hosts")
        self._visible = {}  # full name -> addresses
        self._lies = {}
        self._world = world
        self._net = network
        self._queue = []
        self._due = {}  # full name -> time before which no later change of it is shown
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._sandbox = world.spawner.sandbox(network.sandbox_request("vdns", self.addresses))
        network.attach("vdns", self.addresses)
        self._process = None
        self._write()
        self.well()
        threading.Thread(target=self._work, daemon=True, name="dns").start()

    def _serve(self, argv):
        """Replaces the serving process."""
        if self._process:
            self._process.kill()
            self._process.wait(5)
        with open(os.devnull, "rb") as null, open(self.log, "ab") as log:
            before = log.tell()
            self._process = self._world.spawner.spawn(
                {"argv": argv, "env": {"PATH": os.environ["PATH"]}},
                [null.fileno(), log.fileno(), log.fileno(), self._sandbox["net"]])
        self._await_server(before)

    def _await_server(self, offset, timeout_s=10):
        """Waits until the log says that the server answers: an earlier SIGHUP would kill it."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self._process.returncode is None:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                file.seek(offset)
                if READY.search(file.read()):
                    return
            time.sleep(0.005)
        with open(self.log, encoding="utf-8", errors="replace") as file:
            raise OSError(f"the DNS server did not start: {file.read()[-500:]}")

    def shown(self, name):
        """The addresses that a full name answers now."""
        return self._lies.get(name, self._visible.get(name, []))

    def lie(self, name, addresses):
        """A full name answers `addresses`, whatever is true; None ends that."""
        with self._changed:
            self._lies.pop(name, None)
            if addresses is not None:
                self._lies[name] = addresses
            self._reload()

    def change(self, name, addresses, after_s):
        """A full name gets `addresses` (None: none) after a while, behind its earlier changes."""
        with self._changed:
            due = max(time.monotonic() + after_s, self._due.get(name, 0))
            self._due[name] = due
            if after_s <= 0 and due <= time.monotonic():
                self._show(name, addresses)
                self._reload()
                return
            heapq.heappush(self._queue, (due, next(self._order), name, addresses))
            self._changed.notify()

    def ill(self, mode):
        """The server answers everything with `servfail`, `refused`, `nxdomain`, `nodata` or
        `garbage`; `well` ends it. For silence use `stop`, or cut a pod off with faults."""
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "badns.py")
        with self._changed:
            self._serve([sys.executable, script, mode, *self.addresses])

    def well(self):
        """The server answers as it should again (after `ill` or `stop`)."""
        with self._changed:
            self._serve([*DNSMASQ, f"--local-ttl={self.ttl_s}", f"--addn-hosts={self._hosts}",
                         *[f"--listen-address={address}" for address in self.addresses]])

    def stop(self):
        """The server hangs (SIGSTOP): questions stay without an answer until `go_on`."""
        self._process.kill(signal.SIGSTOP)

    def go_on(self):
        """Ends `stop`."""
        self._process.kill(signal.SIGCONT)

    def queries(self, words=""):
        """How many questions whose log line contains `words` came so far (dnsmasq's log)."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return sum(1 for line in file if "query[" in line and words in line)

    def close(self):
        """Ends the server and the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._process.kill()
        self._process.wait(5)
        for fd in self._sandbox.values():
            os.close(fd)
        self._net.detach("vdns")

    def _show(self, name, addresses):
        if addresses is None:
            self._visible.pop(name, None)
        else:
            self._visible[name] = addresses

    def _work(self):
        """Shows the changes that are due; several at once cost one reload."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                shown = False
                while self._queue and self._queue[0][0] <= now:
                    _, _, name, addresses = heapq.heappop(self._queue)
                    self._show(name, addresses)
                    shown = True
                if shown:
                    self._reload()
                wait_s = self._queue[0][0] - now if self._queue else None
                self._changed.wait(wait_s)

    def _reload(self):
        self._write()
        self._process.kill(signal.SIGHUP)

    def _write(self):
        """The hosts file, replaced at once: dnsmasq never reads half of it."""
        lines = []
        for name, addresses in sorted({**self._visible, **self._lies}.items()):
            for address in addresses:
                lines.append(f"{address} {name} {name.partition('.')[2]}\n")
        with open(self._hosts + ".new", "w", encoding="ascii") as file:
            file.writelines(lines)
        os.replace(self._hosts + ".new", self._hosts)
