"""A pod of the StatefulSet: what stays the same over its lives, and what a test may do to it."""

import collections
import contextlib
import os
import re
import signal
import threading
import time

from . import kubelet, sandbox, spawner

WIDTH = 200  # a log's longer lines are cut in reports
ASK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ask.py")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Pod:
    """One ordinal. Names stay, addresses change.

    `phase`: Absent, Pending, Init, Running, Terminating or Failed; `ready`: the readiness
    condition; `held`: the controller must not create it; `restarts` and `exit_codes` by container
    name; `termination`: each container's last termination message; `probe_words`: the last words
    of each kind of probe, `probe_counts` how often it said yes and no.
    """

    def __init__(self, lab, ordinal, volume):
        self.lab = lab
        self.ordinal = ordinal
        self.name = f"{lab.name}-{ordinal}"
        self.interface = f"{lab.group}{ordinal}"
        self.volume = volume
        self.spec = lab.spec
        self.phase = "Absent"
        self.ready = False
        self.held = False
        self.life = None
        self.lives = 0
        self.addresses = []
        self.wanted = None  # addresses for the next life
        self.extra_env = {}
        self.events = []
        self.restarts = collections.Counter()
        self.exit_codes = {}
        self.termination = {}
        self.probe_words = {}
        self.probe_counts = collections.Counter()
        self._frozen = None
        self._gates = {}
        self._crashes = {}
        self._timers = {}
        self._lock = threading.RLock()

    @property
    def ip(self):
        """The first address of the present or last life ('' before the first)."""
        return self.addresses[0] if self.addresses else ""

    @property
    def config(self):
        """The config emptyDir of the present life, for the test process."""
        return self.life.mounts.config

    # ---- what the kubelet and the controller call

    def env(self, addresses):
        """The environment of each container of this pod."""
        index = {} if self.lab.pod_index is None else {
            "POD_INDEX": str(self.ordinal) if self.lab.pod_index else ""}
        return {"PATH": PATH, "HOSTNAME": self.name, "HOME": "/", "POD_NAME": self.name,
                "POD_NAMESPACE": self.lab.dns.namespace, "POD_IP": addresses[0],
                "POD_IPS": ",".join(addresses), **index, **self.lab.env, **self.extra_env}

    def create(self):
        """Begins a new life, with fresh emptyDirs and the volume as it is."""
        with self._lock:
            self.held = False
            if self.life:
                return
            self.phase = "Pending"
            self.addresses = self.wanted or self.lab.net.new_addresses()
            self.wanted = None
            self._begin(self._new_mounts(), True)

    def _new_mounts(self):
        self.lives += 1
        directory = os.path.join(self.lab.dir, "pods", self.name, str(self.lives))
        return sandbox.Mounts(directory, self.lab.image, self.volume, self.lab.mounts(),
                              self.volume.fs_group)

    def _begin(self, mounts, run_init):
        self.spec = self.lab.spec
        self.life = kubelet.Life(self, self.addresses, mounts, run_init)
        self.life.begin()

    def event(self, text):
        """Notes what happened, with the time since the lab began."""
        self.events.append((self.lab.elapsed(), text))

    def published(self, addresses):
        """The pod got its addresses: into the DNS, unless only ready pods are published."""
        if self.lab.publish_not_ready:
            self.lab.dns.publish(self.name, addresses)

    def set_ready(self, ready):
        """The readiness condition; changes the DNS where only ready pods are published."""
        if ready == self.ready:
            return
        self.ready = ready
        self.event("ready" if ready else "not ready")
        if not self.lab.publish_not_ready:
            if ready:
                self.lab.dns.publish(self.name, self.addresses)
            else:
                self.lab.dns.withdraw(self.name)

    def probed(self, kind, good, words):
        """Notes a probe's answer; each new wording of a failure is an event."""
        self.probe_counts[kind, good] += 1
        if not good and self.probe_words.get(kind) != words:
            self.event(f"{kind} probe failed: {words[:300]}")
        self.probe_words[kind] = words

    def count_restart(self, name):
        """A container will be started again."""
        self.restarts[name] += 1

    # ---- what a test does

    def delete(self, grace_s=None, force=False):
        """Deletes the pod and waits until it is gone; it stays away until `create`."""
        with self._lock:
            self.held = True
            self._end(0.0 if force else self.spec.grace_s if grace_s is None else grace_s)

    def remove(self):
        """As delete, but the controller may create the pod again."""
        with self._lock:
            self._end(self.spec.grace_s)

    def _end(self, grace_s):
        if not self.life:
            return
        self.phase = "Terminating"
        self.life.stop(grace_s)
        self.life = None
        self.ready = False
        self.phase = "Absent"
        self.lab.dns.withdraw(self.name)
        self.event("deleted")

    def recreate(self, new_ip=True, keep_volume=True, addresses=None, grace_s=None, force=False):
        """Deletes the pod; the controller creates it again, when its policy lets it.

        `addresses`: those that the new life shall have, such as another pod's former ones.
        """
        self.delete(grace_s, force)
        if not keep_volume:
            self.volume.lose()
        self.wanted = addresses or (None if new_ip else self.addresses)
        self.held = False

    def reboot(self, new_ip=True, addresses=None):
        """The node lost power and came back: new sandbox, same emptyDirs, *no* init containers."""
        with self._lock:
            mounts = self.life.mounts
            self._end(0.0)
            if addresses:
                self.addresses = addresses
            elif new_ip:
                self.addresses = self.lab.net.new_addresses()
            self.phase = "Pending"
            self._begin(mounts, False)

    def kill(self, container="main", number=signal.SIGKILL):
        """Sends a signal to a running container's first process; False when it does not run."""
        process = self.life.processes.get(container) if self.life else None
        if process:
            process.kill(number)
        return process is not None

    @property
    def frozen(self):
        """Whether the running main container stands still."""
        process = self.life.main_process() if self.life else None
        return process is not None and process is self._frozen

    def freeze(self, container="main"):
        """SIGSTOP to every process of a container, or of the whole pod (None); `thaw` ends it.
        When it returns none of them runs any more."""
        if container in (None, self.spec.main.name):
            self._frozen = self.life.main_process()
        stopped = set()
        while running := set(self.life.pids(container)) - stopped:
            _signal(running, signal.SIGSTOP)
            stopped |= running
        self.lab.wait(lambda: all(_stands_still(pid) for pid in stopped), 10,
                      f"{self.name} stands still")

    def thaw(self, container="main"):
        """SIGCONT to every process of a container, or of the whole pod."""
        _signal(self.life.pids(container), signal.SIGCONT)
        self._frozen = None

    def close_gate(self, container):
        """The next start of the container waits until `open_gate`: a moment to change the world."""
        self._gates[container] = threading.Event()

    def open_gate(self, container):
        """Lets a container start that waits at its gate."""
        gate = self._gates.pop(container, None)
        if gate:
            gate.set()

    def at_gate(self, container):
        """True when the container's start waits at its closed gate."""
        return bool(self.events) and self.events[-1][1] == f"{container} waits at its gate"

    def pass_gate(self, container, stopping):
        """Called by the kubelet before each start."""
        gate = self._gates.get(container)
        if gate:
            self.event(f"{container} waits at its gate")
        while gate and not gate.wait(0.02) and not stopping.is_set():
            pass

    def crash(self, container, *after_s):
        """The next starts of the container are killed (SIGKILL) after these times in seconds;
        None lets one pass."""
        self._crashes.setdefault(container, collections.deque()).extend(after_s)

    def plan_crash(self, container, process):
        """Called by the kubelet after each start."""
        plan = self._crashes.get(container)
        after_s = plan.popleft() if plan else None
        if after_s is not None:
            timer = threading.Timer(after_s, process.kill)
            timer.daemon = True
            timer.start()
            self._timers.setdefault(container, []).append(timer)

    def crashes_to_come(self, container="main"):
        """True while a planned kill of the container, which starts again after each, has not happened."""
        timers = self._timers.get(container, [])
        return any(timer.is_alive() for timer in timers) or \
            any(after_s is not None for after_s in self._crashes.get(container, ()))

    def run(self, *argv, timeout_s=30, uid=None, stdin=b"", env=None):
        """Runs a command in the pod as kubectl exec would; Result.

        With no main container running it runs beside it, in the pod's sandbox (as a debug
        container). `uid` None: as the main container's user.
        """
        life = self.life
        if not life or not life.sandbox:
            raise spawner.SpawnError(f"{self.name} has no sandbox")
        rights = sandbox.user(uid) if uid is not None else self.spec.main
        process = life.main_process()
        return life.sandbox.execute(argv, rights, {**life.env(rights), **(env or {})},
                                    join=process.pid if process else None, timeout_s=timeout_s,
                                    stdin=stdin)

    def run_init(self, *argv, timeout_s=60, env=None):
        """Runs a command once more with the rights of the last init container; Result."""
        rights = self.spec.init[-1] if self.spec.init else self.spec.main
        life = self.life
        return life.sandbox.execute(argv or rights.argv, rights,
                                    {**life.env(rights), **(env or {})}, timeout_s=timeout_s)

    def ask(self, name, kind="A"):
        """What the pod's DNS server says about a full name: (code, sorted addresses); the code is
        NOERROR, NXDOMAIN, SERVFAIL, REFUSED or SILENCE."""
        with open(ASK, encoding="utf-8") as file:
            result = self.run("/usr/bin/python3", "-c", file.read(), name, kind)
        words = result.out.split() or [f"ask.py: {result.err}"]
        return words[0], words[1:]

    def log_path(self, container="main"):
        """The file that collects a container's output over all lives."""
        return os.path.join(self.lab.dir, "logs", f"{self.name}.{container}.log")

    def log(self, container="main"):
        """A container's output so far."""
        try:
            with open(self.log_path(container), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def wait_log(self, pattern, container="main", timeout_s=30):
        """Waits until a container's output matches a regular expression."""
        found = re.compile(pattern)
        self.lab.wait(lambda: found.search(self.log(container)), timeout_s,
                      f"{self.name} {container} logs {pattern!r}")

    def wait_ready(self, timeout_s=60):
        """Waits until the pod is ready."""
        self.lab.wait(lambda: self.ready, timeout_s, f"{self.name} is ready")

    def wait_phase(self, phase, timeout_s=30):
        """Waits for a phase."""
        self.lab.wait(lambda: self.phase == phase, timeout_s, f"{self.name} is {phase}")

    def describe(self, lines=12):
        """What kubectl describe and logs would show: for a failed scenario."""
        text = [f"{self.name} {self.phase} {'ready' if self.ready else 'not ready'} {self.ip}"]
        text += [f"  {when:7.2f} {what}" for when, what in self.events[-lines:]]
        names = [c.name for c in (*self.spec.init, *self.spec.sidecars, self.spec.main)]
        for name in names:
            tail = self.log(name).splitlines()[-lines:]
            text += [f"  {name} | {line[:WIDTH]}" for line in tail]
            if self.termination.get(name):
                text.append(f"  {name} termination message: {self.termination[name].strip()}")
        return "\n".join(text)

    def uptime_s(self):
        """Seconds since the last start of the main container, by its events."""
        for when, what in reversed(self.events):
            if what.startswith("main started"):
                return time.monotonic() - self.lab.began - when
        return 0.0


def _signal(pids, number):
    """Those that have ended meanwhile need none."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _stands_still(pid):
    """Stopped, or ended (proc(5), /proc/pid/stat)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] in "TtZX"
    except OSError:
        return True
