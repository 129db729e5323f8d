"""What must hold at every moment of a replicated Postgres, watched while scenarios do their worst.

Who may be primary is judged by the register alone, who is one by the server itself, who has
diverged by the data directories: nothing of ordain is asked.
"""

import glob
import threading
import time

from . import pgwire, redis, tap

RECEIVER = "SELECT sender_host FROM pg_stat_wal_receiver"
# The register may change between a container's look at it and its server's start.
START_S = 1.0


class Guard:
    """Watches a postgres.Lab until its `with` block ends, which fails when something was broken.

    No server starts as, or becomes, primary unless the register names its pod. One that the
    register no longer names takes no writes `fence_s` later. No standby stays ready for `settle_s`
    while it is diverged from the named primary or receives from somebody else. No directory that
    keeps diverged data disappears from its volume. `broken` has the sentences.
    """

    def __init__(self, lab, fence_s=5.0, settle_s=10.0, pause_s=0.2):
        self.broken = []
        self.looks = 0
        self._lab = lab
        self._fence_s, self._settle_s, self._pause_s = fence_s, settle_s, pause_s
        self._named = None
        self._left = {}  # name -> since when the register does not name it any more
        self._since = {}  # what is wrong -> since when
        self._kept = {}  # (pod, generation of its volume) -> names of its diverged directories
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="guard")

    def __enter__(self):
        self._look()
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self.stop()
        if self.broken and kind is None:
            raise tap.Failure("; ".join(self.broken[:5]))
        for sentence in self.broken[:5]:
            tap.diagnose(f"guard: {sentence}")

    def stop(self):
        """Ends the watching."""
        self._over.set()
        self._thread.join(30)

    def _run(self):
        while not self._over.wait(self._pause_s):
            self._look()

    def _say(self, sentence):
        if sentence not in self.broken:
            self.broken.append(sentence)
            self._lab.pods[0].event(f"guard: {sentence}")

    def _look(self):
        """One look at everything; what changed meanwhile is judged by the next one."""
        self._look_at_volumes()
        named = self._read_register()
        primaries = self._lab.primaries()
        if self._read_register() != named:
            return
        for name in primaries:
            if name != named:
                self._second_primary(self._pod(name))
        wrong = {}
        if named:
            for pod in self._lab.pods:
                if pod.name != named and pod.ready and pod.name not in primaries:
                    wrong.update(self._standby(pod, self._pod(named)))
        self._lasting(wrong)
        self.looks += 1

    def _pod(self, name):
        return next(pod for pod in self._lab.pods if pod.name == name)

    def _read_register(self):
        named = self._lab.register_of().get("primary")
        if named != self._named:
            self._left[self._named] = time.monotonic()
            self._left.pop(named, None)
            self._named = named
        return named

    def _second_primary(self, pod):
        now = time.monotonic()
        if pod.name not in self._left:
            self._say(f"{pod.name} is primary, and the register never named it")
        elif now - pod.uptime_s() > self._left[pod.name] + START_S:
            self._say(f"{pod.name} started as primary, and the register names {self._named}")
        elif now - self._left[pod.name] > self._fence_s:
            self._say(f"{pod.name} takes writes {self._fence_s} s after the register named "
                      f"{self._named}")

    def _standby(self, pod, primary):
        """What is wrong with a ready standby: {sentence: True}."""
        found = {}
        try:
            reason = self._lab.diverged(pod.ordinal, primary.ordinal)
            if reason:
                found[f"{pod.name} is ready and diverged: {reason}"] = True
            rows = self._lab.sql(pod.ordinal, RECEIVER, inside=True, timeout_s=2.0)
            host = rows[0][0] if rows else None
            if host and host.split(".")[0] != primary.name and host not in primary.addresses:
                found[f"{pod.name} is ready and receives from {host}, not {primary.name}"] = True
        except (redis.Unreachable, pgwire.SqlError, OSError):
            pass
        return found

    def _lasting(self, wrong):
        """Breaks of a rule that hold for too long."""
        now = time.monotonic()
        self._since = {sentence: self._since.get(sentence, now) for sentence in wrong}
        for sentence, since in self._since.items():
            if now - since > self._settle_s:
                self._say(sentence)

    def _look_at_volumes(self):
        for pod in self._lab.pods:
            with pod.volume.lock:
                names = set(glob.glob("*.diverged-*", root_dir=pod.volume.path))
                key = (pod.name, pod.volume.generation)
            for gone in self._kept.get(key, set()) - names:
                self._say(f"{pod.name}: {gone} was deleted")
            self._kept[key] = names
