"""The facade: a StatefulSet of Redis pods with its DNS, and what scenarios ask of it."""

import os
import shutil
import threading
import time

from . import binary, cluster, dns, faults, load, net, pod, redis, sandbox, spec, statefulset
from . import tap, volume

POLL_S = 0.05


class Lab:
    """One StatefulSet. Context manager: an exception prints every pod's events and logs' tails.

    `spec`: the pod template (spec.plain, spec.ordain); `policy`: OrderedReady or Parallel; `env`:
    settings beside ordain's usual ones, None takes one away; `families`: (4,), (6,) or (4, 6);
    `access`: how to reach the servers; `secrets`: {directory in the pod: {file: text}};
    `server`: an absolute path that stands for `redis-server` in the pods; `binds`: more
    directories [(source, target, read_only)]; `pod_index`: True, False (label unknown: empty
    variable) or None (no variable). `beside`: another lab, whose network and DNS this one shares.
    """

    def __init__(self, world, name="redis", replicas=6, masters=3, policy="Parallel",
                 template=None, env=None, families=(4,), access=None, secrets=None, server=None,
                 binds=(), service=None, namespace="default", domain="cluster.local",
                 volume_size="256m", fs_group=False, publish_not_ready=True, pod_index=True,
                 gone="drop", dns_ttl_s=5, beside=None):
        self.world, self.name, self.masters = world, name, masters
        self.began = time.monotonic()
        self.spec = template or spec.ordain()
        self.access = access or redis.Access()
        self.publish_not_ready = publish_not_ready
        self.pod_index = pod_index
        self.dir = os.path.join(world.dir, "labs", name)
        os.makedirs(os.path.join(self.dir, "logs"))
        self._volume_options = {"size": volume_size, "fs_group": fs_group}
        self._beside = beside
        self.net = beside.net if beside else net.Net(families, gone)
        server_dns = beside.dns.server if beside else dns.Server(world, self.net, dns_ttl_s)
        self.dns = dns.Zone(server_dns, service or name, namespace, domain)
        self.group = self.net.new_group()
        self.register = os.path.join(self.dir, "register")
        os.mkdir(self.register)
        os.chmod(self.register, 0o777)
        self._mounts = [(self.register, "/register", False), *binds]
        self.local_dir = self._local(server)
        for target, files in (secrets or {}).items():
            self.secret(target, files)
        self.env = self._settings(replicas, policy, env or {})
        self._jobs = 0
        self._connections = {}
        self._lock = threading.Lock()
        self.pods = []
        self.controller = statefulset.Controller(self.pods, policy, replicas)
        self._grow(replicas)
        self.cluster = cluster.Cluster(self._addresses, self.access)

    # ---- building

    def _local(self, server):
        """/usr/local of every pod: the ordain binary and the name of the chosen server."""
        directory = os.path.join(self.dir, "local")
        os.makedirs(os.path.join(directory, "bin"))
        binary.place(os.path.join(directory, "bin", "ordain"))
        if server:
            home = os.path.dirname(os.path.realpath(server))
            self._mounts.append((home, home, True))
            os.symlink(os.path.join(home, os.path.basename(os.path.realpath(server))),
                       os.path.join(directory, "bin", "redis-server"))
        return directory

    def _settings(self, replicas, policy, changes):
        settings = {
            "ORDAIN_SERVICE": self.dns.service, "ORDAIN_REPLICAS": str(replicas),
            "ORDAIN_POD_MANAGEMENT": policy, "ORDAIN_REDIS_MASTERS": str(self.masters),
            "ORDAIN_REGISTER": "file:/register",
            # what every container gets from the kubelet
            "KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443",
            "KUBERNETES_PORT": "tcp://10.96.0.1:443", **changes}
        return {key: str(value) for key, value in settings.items() if value is not None}

    def _grow(self, count):
        for ordinal in range(len(self.pods), count):
            claim = volume.Volume(self.world, f"{self.name}-{ordinal}", **self._volume_options)
            self.pods.append(pod.Pod(self, ordinal, claim))

    def secret(self, target, files):
        """Mounts a read-only directory with these files {name: text} into pods created later; for
        a known target it changes the files at once, as a Secret volume follows its Secret."""
        directory = os.path.join(self.dir, "secrets", target.strip("/").replace("/", "-"))
        known = os.path.isdir(directory)
        os.makedirs(directory, exist_ok=True)
        for name, text in files.items():
            path = os.path.join(directory, name)
            with open(path + ".new", "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(path + ".new", 0o644)
            os.replace(path + ".new", path)
        if not known:
            self._mounts.append((directory, target, True))

    def mounts(self):
        """The mounts of each new pod beside its own: register, secrets, servers."""
        return list(self._mounts)

    # ---- life

    def __enter__(self):
        return self

    def __exit__(self, kind, _error, _trace):
        if kind is not None and kind is not KeyboardInterrupt:
            tap.diagnose(self.describe())
            self._keep_logs()
        self.close()

    def _keep_logs(self):
        """Whole logs survive the world in $TEST_LOG, when that is set."""
        directory = os.environ.get("TEST_LOG")
        if directory:
            target = os.path.join(directory, f"{self.name}-{os.getppid()}-{int(time.time())}")
            shutil.copytree(os.path.join(self.dir, "logs"), target)
            tap.diagnose(f"the pods' logs are in {target}")

    def start(self):
        """The controller begins to create pods; does not wait."""
        self.controller.begin()

    def up(self, timeout_s=120):
        """Creates all pods and waits until each is ready."""
        self.start()
        self.wait_ready(timeout_s)

    def close(self):
        """Kills and removes everything (a lab of its own; a world needs no cleaning)."""
        self.controller.close()
        statefulset.together([lambda one=one: one.delete(force=True) for one in self.pods])
        if not self._beside:
            self.dns.server.close()

    def scale(self, replicas):
        """Changes `.spec.replicas`; the pod template (ORDAIN_REPLICAS) stays as it is."""
        self._grow(replicas)
        self.controller.replicas = replicas

    def delete_all(self, force=False):
        """Deletes every pod at once and waits until all are gone; they stay away."""
        statefulset.together([lambda one=one: one.delete(force=force)
                              for one in self.controller.wanted()])

    def restart_all(self, new_ip=True, force=False, before=None):
        """Deletes every pod at once, then lets the controller create them by its policy.

        `before` is called while none runs. Does not wait for readiness.
        """
        self.delete_all(force)
        if before:
            before()
        for one in self.controller.wanted():
            one.wanted = None if new_ip else one.addresses
            one.held = False

    def swap(self, one, other):
        """Two pods are created again with each other's addresses."""
        mine, yours = one.addresses, other.addresses
        statefulset.together([one.delete, other.delete])
        one.wanted, other.wanted = yours, mine
        one.held = other.held = False

    # ---- asking

    def elapsed(self):
        """Seconds since the lab was made."""
        return time.monotonic() - self.began

    def wait(self, predicate, timeout_s, what, why=None):
        """Polls until the predicate is true; answers its value. Failure at the deadline, with
        `what` was waited for and what `why()` says."""
        deadline = time.monotonic() + timeout_s
        while True:
            value = predicate()
            if value:
                return value
            if time.monotonic() > deadline:
                reason = f" ({why()})" if why else ""
                raise tap.Failure(f"waited {timeout_s} s for: {what}{reason}")
            time.sleep(POLL_S)

    def wait_ready(self, timeout_s=120):
        """Waits until every wanted pod is ready (and no surplus one exists)."""
        def ready():
            wanted = self.controller.wanted()
            return all(one.ready for one in wanted) and all(
                one.phase == "Absent" for one in self.pods[len(wanted):])

        def unready():
            return ", ".join(f"{one.name} {one.phase} {one.probe_words.get('readiness', '')}"
                             for one in self.controller.wanted() if not one.ready)
        self.wait(ready, timeout_s, "all pods are ready", unready)

    def complaints(self, known=None):
        """Why the cluster is not healthy: sentences; none when it is.

        On every server: state ok, all 16384 slots assigned and ok, `known` nodes (default: the
        number of wanted pods), no row that failed, shakes hands or lacks an address, a replica's
        link up; and the same view everywhere.
        """
        wanted = self.controller.wanted()
        found, digests = [], {}
        for one in wanted:
            try:
                words, view = cluster.complaints(self._connection(one), known or len(wanted))
                digests.setdefault(view, []).append(one.name)
            except (redis.Unreachable, redis.ReplyError) as error:
                self._drop(one)
                words = [str(error)]
            found += [f"{one.name}: {word}" for word in words]
            if len(found) > 20:
                return found
        if len(digests) > 1:
            found.append(f"views differ: {sorted(digests.values())}")
        return found

    def healthy(self, known=None):
        """True when there is nothing to complain of."""
        return not self.complaints(known)

    def wait_healthy(self, timeout_s=60, known=None):
        """Waits for health; answers the seconds that it took."""
        begin = time.monotonic()
        last = []

        def good():
            last[:] = self.complaints(known)
            return not last
        self.wait(good, timeout_s, "the cluster is healthy", lambda: "; ".join(last[:8]))
        return time.monotonic() - begin

    def redis(self, index, timeout_s=2.0):
        """A new connection to a pod's server."""
        return self.access.connect(self.pods[index].ip, timeout_s)

    def cluster_nodes(self, index):
        """CLUSTER NODES as a pod's server answers it: [cluster.Node]."""
        with self.redis(index) as connection:
            return cluster.parse_nodes(connection.call("CLUSTER", "NODES"))

    def node_of(self, index):
        """The row of a pod's server about itself."""
        with self.redis(index) as connection:
            mine = connection.call("CLUSTER", "MYID")
            rows = cluster.parse_nodes(connection.call("CLUSTER", "NODES"))
        return next(row for row in rows if row.id == mine)

    def masters_now(self):
        """The pods whose server owns slots, by their own view."""
        return [one for one in self.controller.wanted() if self.node_of(one.ordinal).slots]

    def write_keys(self, count, prefix="key"):
        """Writes keys over the whole cluster; Unreachable unless all were acknowledged."""
        self.cluster.write(count, prefix)

    def check_keys(self, count, prefix="key"):
        """Failure when one of the keys that were written is lost or wrong."""
        lost = self.cluster.missing(count, prefix)
        tap.check(not lost, f"{len(lost)} of {count} keys lost: {lost[:5]}")

    def count_keys(self):
        """The number of keys in the cluster."""
        return self.cluster.count()

    def writer(self, prefix="load", pause_s=0.002):
        """A load.Writer for a `with` block."""
        return load.Writer(self.cluster, self.access, prefix, pause_s)

    def cut(self, one, other, how="drop", both=True, port=None):
        """faults.cut in this lab's network."""
        return faults.cut(self.net, one, other, how, both, port)

    def job(self, *argv, env=None, timeout_s=60, uid=spec.OWNER, config=None):
        """Runs a command as a Job does: own address, no POD_NAME, no volume; Result.

        `config`: a directory to take as the config directory (default: an empty one).
        """
        with self._lock:
            self._jobs += 1
            number = self._jobs
        directory = os.path.join(self.dir, "jobs", str(number))
        box = sandbox.Sandbox(self, f"{self.name}-job-{number}", f"{self.group}j{number}",
                              self.net.new_addresses(), sandbox.Mounts(directory, None, [
                                  *self._mounts, *([(config, "/etc/redis", True)] if config
                                                   else [])]))
        settings = {"PATH": pod.PATH, "HOSTNAME": box.hostname, "HOME": "/",
                    "POD_NAMESPACE": self.dns.namespace, "ORDAIN_STATEFULSET": self.name,
                    **self.env, **(env or {})}
        try:
            return box.execute(argv, sandbox.user(uid),
                               {k: str(v) for k, v in settings.items() if v is not None},
                               timeout_s=timeout_s)
        finally:
            box.close()

    def describe(self):
        """Everything that explains a failure."""
        return "\n".join(one.describe() for one in self.pods if one.events)

    # ---- helpers

    def _addresses(self):
        return [one.ip for one in self.controller.wanted() if one.life]

    def _connection(self, one):
        """A kept connection to a pod's server: asking 60 servers often must be cheap."""
        kept = self._connections.get(one.name)
        if kept and kept.address == one.ip:
            return kept
        self._drop(one)
        if not one.ip:
            raise redis.Unreachable("it has no address yet")
        self._connections[one.name] = self.access.connect(one.ip)
        return self._connections[one.name]

    def _drop(self, one):
        kept = self._connections.pop(one.name, None)
        if kept:
            kept.close()


