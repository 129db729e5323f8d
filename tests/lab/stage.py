"""The stage of every scenario: one StatefulSet with its network, DNS, register, pods and jobs.

It knows nothing of what the servers speak: `lab.Lab` does of Redis, `postgres.Lab` of Postgres.
"""

import os
import shutil
import threading
import time

from . import binary, dns, faults, net, pod, sandbox, spec, statefulset, tap, volume

POLL_S = 0.05


class Stage:
    """One StatefulSet. Context manager: an exception prints every pod's events and logs' tails.

    `template`: the pod template (spec.plain, spec.ordain); `image`: what its pods find in place
    (image.Image); `policy`: OrderedReady or Parallel; `env`: settings beside ordain's usual ones,
    None takes one away; `families`: (4,), (6,) or (4, 6); `secrets`: {directory in the pod: {file:
    text}}; `binds`: more directories [(source, target, read_only)]; `pod_index`: True, False
    (label unknown: empty variable) or None (no variable). `beside`: another lab, whose network and
    DNS this one shares.
    """

    def __init__(self, world, name, template, image, replicas, policy="Parallel", env=None,
                 families=(4,), secrets=None, binds=(), service=None, namespace="default",
                 domain="cluster.local", volume_size="256m", fs_group=False,
                 publish_not_ready=True, pod_index=True, gone="drop", dns_ttl_s=5, beside=None):
        self.world, self.name, self.spec, self.image = world, name, template, image
        self.began = time.monotonic()
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
        self.local_dir = self._local()
        for target, files in (secrets or {}).items():
            self.secret(target, files)
        self.env = self._settings(replicas, policy, env or {})
        self._jobs = 0
        self._lock = threading.Lock()
        self.pods = []
        self.controller = statefulset.Controller(self.pods, policy, replicas)
        self._grow(replicas)

    # ---- building

    def _local(self):
        """/usr/local of every pod: the ordain binary and what the image has there."""
        directory = os.path.join(self.dir, "local")
        os.makedirs(os.path.join(directory, "bin"))
        binary.place(os.path.join(directory, "bin", "ordain"))
        self.image.install(directory)
        self._mounts += self.image.binds(self.dir)
        return directory

    def _settings(self, replicas, policy, changes):
        settings = {
            "ORDAIN_SERVICE": self.dns.service, "ORDAIN_REPLICAS": str(replicas),
            "ORDAIN_POD_MANAGEMENT": policy, "ORDAIN_REGISTER": "file:/register",
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

    def complaints(self):
        """Why the servers together are not healthy: sentences; none when they are."""
        raise NotImplementedError

    def healthy(self, **how):
        """True when there is nothing to complain of."""
        return not self.complaints(**how)

    def wait_healthy(self, timeout_s=60, **how):
        """Waits for health; answers the seconds that it took. `how`: as `complaints` takes it."""
        begin = time.monotonic()
        last = []

        def good():
            last[:] = self.complaints(**how)
            return not last
        self.wait(good, timeout_s, "the servers are healthy", lambda: "; ".join(last[:8]))
        return time.monotonic() - begin

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

    # ---- faults, jobs

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
                              self.net.new_addresses(), sandbox.Mounts(
                                  directory, self.image, None,
                                  [*self._mounts, *([(config, self.image.config, True)] if config
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
