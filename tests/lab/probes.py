"""Startup, liveness and readiness probes of one run of a main container."""

import http.client
import threading
import time

from . import net, spawner


class Watch:
    """Probes a container until it ends. Sets the pod's `ready`; ends a container that is not
    alive. Liveness and readiness begin when the startup probe has succeeded once."""

    def __init__(self, life, process):
        self.life = life
        self.process = process
        self.over = threading.Event()
        self._lock = threading.Lock()
        threading.Thread(target=self._run, daemon=True, name=life.pod.name + "-probes").start()

    def stop(self):
        """The container has ended: no more probes, and it is not ready."""
        with self._lock:
            self.over.set()
            self.life.pod.set_ready(False)

    def _set_ready(self, ready):
        """Sets the condition, unless the container has ended meanwhile."""
        with self._lock:
            if not self.over.is_set():
                self.life.pod.set_ready(ready)

    def _run(self):
        spec = self.life.pod.spec
        if spec.startup and not self._startup(spec.startup):
            return
        if spec.liveness:
            threading.Thread(target=self._liveness, args=(spec.liveness,), daemon=True).start()
        if spec.readiness:
            self._readiness(spec.readiness)
        else:
            self._set_ready(True)

    def _results(self, kind, probe):
        """Yields (success, failures in a row) for each call of a probe while the container runs."""
        failures = 0
        self.over.wait(probe.delay_s)
        while not self.over.is_set():
            begin = time.monotonic()
            good, words = call(self.life, probe)
            if self.over.is_set():
                return
            self.life.pod.probed(kind, good, words)
            failures = 0 if good else failures + 1
            yield good, failures
            self.over.wait(max(0.0, probe.period_s - (time.monotonic() - begin)))

    def _startup(self, probe):
        for good, failures in self._results("startup", probe):
            if good:
                return True
            if failures >= probe.failures:
                self._kill("startup")
                return False
        return False

    def _liveness(self, probe):
        for _good, failures in self._results("liveness", probe):
            if failures >= probe.failures:
                self._kill("liveness")
                return

    def _readiness(self, probe):
        for good, failures in self._results("readiness", probe):
            if good or failures >= probe.failures:
                self._set_ready(good)

    def _kill(self, kind):
        self.life.pod.event(f"{kind} probe failed, container will be restarted")
        self.life.end_process(self.process, self.life.pod.spec.grace_s)


def call(life, probe):
    """One call of a probe: (success, what it said)."""
    if probe.argv:
        try:
            result = life.execute(probe.argv, probe.timeout_s)
        except spawner.SpawnError as error:
            return False, str(error)
        if result.rc is None:
            return False, f"command timed out after {probe.timeout_s} s"
        return result.rc == 0, (result.out + result.err).strip()
    return _http(life.addresses[0], probe)


def _http(address, probe):
    host = f"[{address}]" if net.family_of(address) == 6 else address
    connection = http.client.HTTPConnection(host, probe.port, timeout=probe.timeout_s)
    try:
        connection.request("GET", probe.path)
        reply = connection.getresponse()
        words = reply.read(10_240).decode(errors="replace").strip()
        return 200 <= reply.status < 400, f"{reply.status} {words}"
    except (OSError, http.client.HTTPException) as error:
        return False, str(error)
    finally:
        connection.close()
