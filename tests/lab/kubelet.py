"""One life of a pod: init containers, main container, sidecars, stop; as the kubelet does it.

A life begins when a pod is created (or its node has rebooted) and ends when it is deleted. Each
runs in a thread of its own. Times are those of the kubelet divided by about fifty: the back-off
starts at 0.2 s and doubles up to 5 s.
"""

import os
import signal
import threading
import time

from . import probes, sandbox, spawner

BACKOFF_S = 0.2
BACKOFF_MAX_S = 5.0
BACKOFF_RESET_S = 15.0


class Backoff:
    """The wait before the next start of one container."""

    def __init__(self):
        self.delay_s = BACKOFF_S

    def next(self, ran_s):
        """The wait after a run of `ran_s` seconds; doubles, and begins anew after a long run."""
        if ran_s > BACKOFF_RESET_S:
            self.delay_s = BACKOFF_S
        delay_s, self.delay_s = self.delay_s, min(self.delay_s * 2, BACKOFF_MAX_S)
        return delay_s


class Life:
    """A pod's sandbox and containers. `pod` (pod.Pod) holds what outlives it.

    `run_init` False: the node came back and the kubelet skips the init containers.
    """

    def __init__(self, pod, addresses, mounts, run_init=True):
        self.pod = pod
        self.addresses = addresses
        self.mounts = mounts
        self.run_init = run_init
        self.stopping = threading.Event()
        self.sandbox = None
        self.processes = {}  # container name -> running Process
        self.started = {}  # container name -> how often it was started in this life
        self._threads = [threading.Thread(target=self._run, daemon=True, name=pod.name)]
        self._lock = threading.Lock()

    def begin(self):
        """Starts the life's thread."""
        self._threads[0].start()

    def _run(self):
        pod = self.pod
        try:
            self.sandbox = sandbox.Sandbox(pod.lab, pod.name, pod.interface, self.addresses,
                                           self.mounts)
            pod.event(f"sandbox with {' '.join(self.addresses)}")
            pod.published(self.addresses)
            if self.run_init:
                pod.phase = "Init"
                for container in pod.spec.init:
                    self._until_done(container)
            for container in pod.spec.sidecars:
                thread = threading.Thread(target=self._for_ever, args=(container,), daemon=True)
                self._threads.append(thread)
                thread.start()
            if not self.stopping.is_set():
                pod.phase = "Running"
                self._for_ever(pod.spec.main)
        except (OSError, spawner.SpawnError) as error:
            pod.event(f"kubelet: {error}")
            pod.phase = "Failed"

    def _until_done(self, container):
        """Runs an init container again and again until it exits 0."""
        backoff = Backoff()
        while not self.stopping.is_set():
            begin = time.monotonic()
            if self._once(container) == 0:
                return
            if not self.stopping.is_set():
                self.pod.count_restart(container.name)
            self.stopping.wait(backoff.next(time.monotonic() - begin))

    def _for_ever(self, container):
        """Restarts a container, without init, whenever it ends."""
        backoff = Backoff()
        while not self.stopping.is_set():
            begin = time.monotonic()
            self._once(container, watched=container is self.pod.spec.main)
            if self.stopping.is_set():
                return
            self.pod.count_restart(container.name)
            self.stopping.wait(backoff.next(time.monotonic() - begin))

    def _once(self, container, watched=False):
        """Runs a container once; answers its return code (None: it was not started)."""
        self.pod.pass_gate(container.name, self.stopping)
        with self._lock:
            if self.stopping.is_set():
                return None
            process = self._start(container)
        if process is None:
            return None
        self.pod.plan_crash(container.name, process)
        watch = probes.Watch(self, process) if watched else None
        rc = process.wait()
        if watch:
            watch.stop()
        del self.processes[container.name]
        self._ended(container, rc)
        return rc

    def _start(self, container):
        pod = self.pod
        with open(self.mounts.termination_log, "w", encoding="ascii"):
            pass
        self.started[container.name] = self.started.get(container.name, 0) + 1
        with open(pod.log_path(container.name), "ab") as log:
            log.write(f"--- {pod.lab.elapsed():.2f} s: start {self.started[container.name]} of "
                      f"{container.name}, {self.addresses[0]}\n".encode())
            log.flush()
            try:
                process = self.sandbox.start(container, self.env(container), log.fileno(),
                                             log.fileno())
            except spawner.SpawnError as error:
                pod.event(f"{container.name} did not start: {error}")
                return None
        self.processes[container.name] = process
        pod.event(f"{container.name} started (pid {process.pid})")
        return process

    def _ended(self, container, rc):
        pod = self.pod
        with open(self.mounts.termination_log, encoding="utf-8", errors="replace") as file:
            pod.termination[container.name] = file.read(4096)
        pod.exit_codes.setdefault(container.name, []).append(rc)
        how = f"exit {rc}" if rc >= 0 else f"signal {signal.Signals(-rc).name}"
        pod.event(f"{container.name} ended: {how}")

    def env(self, container):
        """A container's environment: what the template and the downward API say, no more."""
        return {**self.pod.env(self.addresses), **container.env}

    def main_process(self):
        """The running main container's process, or None."""
        return self.processes.get(self.pod.spec.main.name)

    def execute(self, argv, timeout_s=None, container=None, stdin=b""):
        """Runs a command in the running main container (kubectl exec); Result.

        `container` gives the rights (default: the main container's). Raises SpawnError when no
        main container runs.
        """
        process = self.main_process()
        if process is None:
            raise spawner.SpawnError(f"{self.pod.name}: no main container runs")
        rights = container or self.pod.spec.main
        return self.sandbox.execute(argv, rights, self.env(rights), join=process.pid,
                                    timeout_s=timeout_s, stdin=stdin)

    def end_process(self, process, grace_s):
        """The image's stop signal, and SIGKILL when the grace period is over."""
        if grace_s > 0:
            main = process is self.main_process()
            process.kill(self.pod.spec.main.stop_signal if main else signal.SIGTERM)
            if process.wait(grace_s) is not None:
                return
        process.kill(signal.SIGKILL)
        process.wait(10)

    def stop(self, grace_s):
        """Ends the life: preStop, SIGTERM, the grace period, SIGKILL; then the sandbox goes.

        `grace_s` 0 is a node that loses power: SIGKILL at once, no preStop.
        """
        deadline = time.monotonic() + grace_s
        main = self.main_process()
        if main and grace_s > 0 and self.pod.spec.pre_stop:
            result = self.execute(self.pod.spec.pre_stop, grace_s)
            self.pod.event(f"preStop ended: {result.rc}")
        with self._lock:
            self.stopping.set()
        names = [name for name in list(self.processes) if name not in self._sidecar_names()]
        for name in names + self._sidecar_names():
            process = self.processes.get(name)
            if process:
                self.end_process(process, max(0.0, deadline - time.monotonic()))
        for thread in self._threads:
            thread.join(30)
        if self.sandbox:
            self.sandbox.close()

    def _sidecar_names(self):
        return [container.name for container in self.pod.spec.sidecars]

    def pids(self, name=None):
        """All processes of a running container, or of the whole pod, as pids of the lab (the first
        process of a container first)."""
        process = self.processes.get(name) if name else next(iter(list(self.processes.values())), None)
        if not process:
            return []
        kind = "pid" if name else "net"
        try:
            space = os.readlink(f"/proc/{process.pid}/ns/{kind}")
        except OSError:
            return []
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{entry}/ns/{kind}") == space:
                    found.append(int(entry))
            except OSError:
                continue
        return sorted(found)
