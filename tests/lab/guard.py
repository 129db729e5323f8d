"""What must hold at every moment of a replicated Postgres, watched while scenarios do their worst.

Who may be primary is judged by the register alone, who is one by the server itself, who has
diverged by the data directories: nothing of ordain is asked.
"""

import glob
import os
import threading
import time

from . import pgwire, redis, tap

RECEIVER = "SELECT sender_host FROM pg_stat_wal_receiver"
# The register may change between a container's look at it and its server's start.
START_S = 1.0
REGISTER_S = 0.02
# All rows are read; between two of these looks what the last one found stands.
ROWS_EVERY = 10


class Guard:
    """Watches a postgres.Lab until its `with` block ends, which fails when something was broken.

    No server starts as, or becomes, primary unless the register names its pod. One that the
    register no longer names takes no writes `fence_s` after it could see that: `sees(pod)` says
    who reaches the register, and who stands still sees nothing. No standby stays ready for
    `settle_s` while it is diverged from the named primary, has other rows (Lab.differs) or receives
    from somebody else. No directory that keeps diverged data disappears
    from its volume; `check_kept` compares their content. `broken` has the sentences, `changes`
    counts how often the register named another pod.
    """

    def __init__(self, lab, fence_s=5.0, settle_s=10.0, pause_s=0.2, sees=lambda pod: True):
        self.broken = []
        self.looks = 0
        self.changes = 0
        self._lab = lab
        self._fence_s, self._settle_s, self._pause_s = fence_s, settle_s, pause_s
        self._sees = sees
        self._named = None
        self._left = {}  # name -> since when the register does not name it any more
        self._blind = {}  # name -> when it was last seen without the register
        self._primary = {}  # name -> since when it is primary, in each look
        self._since = {}  # what is wrong -> since when
        self._rows = {}  # standby -> (look, what differs, from whom)
        self._kept = {}  # (pod, generation of its volume) -> {diverged directory: its content}
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._every, args=arguments, daemon=True, name="guard")
            for arguments in ((pause_s, self._look), (REGISTER_S, self._read_register))]

    def __enter__(self):
        self._read_register()
        self._look()
        for thread in self._threads:
            thread.start()
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
        for thread in self._threads:
            thread.join(30)

    def check_kept(self):
        """Says of each directory that keeps diverged data whether it is as it was first seen."""
        for pod in self._lab.pods:
            with pod.volume.lock:
                kept = self._kept.get((pod.name, pod.volume.generation), {})
                for name, content in kept.items():
                    if _content(pod.volume.file(name)) != content:
                        self._say(f"{pod.name}: {name} was changed")

    def _every(self, pause_s, work):
        while not self._over.wait(pause_s):
            try:
                work()
            except Exception as error:  # whatever it is: a guard that sees nothing guards nothing
                self._say(f"the guard itself failed: {error!r}")

    def _say(self, sentence):
        if sentence not in self.broken:
            self.broken.append(sentence)
            self._lab.pods[0].event(f"guard: {sentence}")

    def _look(self):
        """One look at everything; what changed meanwhile is judged by the next one."""
        self._look_at_volumes()
        self._look_who_sees()
        changes, named, starts = self.changes, self._named, self._starts()
        primaries = self._lab.primaries()
        self._remember(primaries)
        if self.changes != changes or self._starts() != starts:
            return
        for name in primaries:
            if name != named:
                self._second_primary(self._pod(name), named)
        wrong = {}
        if named:
            for pod in self._lab.pods:
                if pod.name != named and pod.ready and pod.name not in primaries:
                    wrong.update(self._standby(pod, self._pod(named)))
        self._lasting(wrong)
        self.looks += 1

    def _pod(self, name):
        return next(pod for pod in self._lab.pods if pod.name == name)

    def _starts(self):
        """How often each pod's server container was started."""
        return [(pod.lives, dict(pod.life.started) if pod.life else {}) for pod in self._lab.pods]

    def _read_register(self):
        named = self._lab.register_of().get("primary")
        if named != self._named:
            self._left[self._named] = time.monotonic()
            self._left.pop(named, None)
            self._named = named
            self.changes += 1

    def _look_who_sees(self):
        now = time.monotonic()
        self._blind.update({pod.name: now for pod in self._lab.pods
                            if pod.frozen or not self._sees(pod)})

    def _remember(self, primaries):
        """Who stands still, and was primary, is one when it goes on."""
        now = time.monotonic()
        still = {pod.name for pod in self._lab.pods if pod.frozen} & set(self._primary)
        primaries = still | set(primaries)
        self._primary = {name: self._primary.get(name, now) for name in primaries}

    def _second_primary(self, pod, named):
        now = time.monotonic()
        left = self._left.get(pod.name)
        if left is None:
            self._say(f"{pod.name} is primary, and the register never named it")
            return
        since = self._primary[pod.name]
        could_see = max(left, since, self._blind.get(pod.name, left))
        if now - pod.uptime_s() > left + START_S:
            self._say(f"{pod.name} started as primary, and the register names {named}")
        elif since > left + self._fence_s:
            self._say(f"{pod.name} became primary {since - left:.1f} s after the register named "
                      f"{named}")
        elif now - could_see > self._fence_s:
            self._say(f"{pod.name} takes writes {self._fence_s} s after the register named "
                      f"{named}")

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
            reason = self._differs(pod, primary)
            if reason:
                found[f"{pod.name} is ready and diverged: {reason}"] = True
        except (redis.Unreachable, pgwire.SqlError, OSError):
            pass
        return found

    def _differs(self, pod, primary):
        """Whether a standby has other rows than the primary, as seen not long ago."""
        look, reason, whose = self._rows.get(pod.name, (None, None, None))
        if look is None or whose != primary.name or self.looks - look >= ROWS_EVERY:
            reason = self._lab.differs(pod.ordinal, primary.ordinal)
            self._rows[pod.name] = (self.looks, reason, primary.name)
        return reason

    def _lasting(self, wrong):
        """Breaks of a rule that hold for too long; a pod without the register cannot know."""
        now = time.monotonic()
        self._since = {sentence: self._since.get(sentence, now) for sentence in wrong}
        for sentence, since in self._since.items():
            since = max(since, self._blind.get(sentence.split(" ")[0], since))
            if now - since > self._settle_s:
                self._say(sentence)

    def _look_at_volumes(self):
        for pod in self._lab.pods:
            with pod.volume.lock:
                names = set(glob.glob("*.diverged-*", root_dir=pod.volume.path))
                kept = self._kept.setdefault((pod.name, pod.volume.generation), {})
                for gone in set(kept) - names:
                    self._say(f"{pod.name}: {gone} was deleted")
                    del kept[gone]
                for new in names - set(kept):
                    kept[new] = _content(pod.volume.file(new))


def _content(directory):
    """{file below a directory: its inode, size and time of the last change}."""
    found = {}
    for place, _, names in os.walk(directory):
        for name in names:
            status = os.lstat(os.path.join(place, name))
            found[os.path.join(place, name)] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found
