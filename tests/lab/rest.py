"""The rest of a walk: the person settles what ordain leaves to a person, then all must be whole."""

import glob
import os
import re

from . import pgwire, redis, tap

HEALTHY_S = 180
SETTLE_EVERY_S = 4.0
KEPT_BEFORE = "earlier diverged directory is kept"
WAL_GONE = "ORDAIN_PG_DIVERGED=discard, or remove its PGDATA"
LOST_PRIMARY = re.compile(r"the register names this pod as the primary, and|"
                          r"the register names this pod as the primary and its volume is empty|"
                          r"the register names this pod, its data is a standby's|"
                          r"the register names this standby as the primary, and its WAL ends before")
CONTENT = "SELECT count(*), coalesce(max(number), 0), " \
          "md5(coalesce(string_agg(number || written_by, ',' ORDER BY number), '')) FROM written"


class Rest:
    """One rest of a walk.Walk whose faults are healed."""

    def __init__(self, walk):
        self.walk, self.lab, self.writer = walk, walk.lab, walk.writer
        self._next = 0.0

    def run(self):
        """Waits until all is whole; Failure where it does not come, or rows are lost."""
        self._next = self.lab.elapsed() + SETTLE_EVERY_S
        policy = self.lab.controller.policy
        self.lab.wait(self._healthy, HEALTHY_S, "health after everything is healed",
                      lambda: "; ".join(self.lab.complaints()))
        self.lab.controller.policy = policy
        result = self.walk.command(*self.walk.form_words())
        tap.check(result.rc == 0, f"form of a healthy set: {result!r}")
        self.writer.pause()
        try:
            self.lab.wait_healthy(60)
            self._check_rows()
            self.walk.guard.check_kept()
        finally:
            self.writer.resume()
        self.walk.check()

    def _healthy(self):
        self.walk.check()
        if not self.lab.complaints():
            return True
        if self.lab.elapsed() > self._next:
            self._settle()
            self._next = self.lab.elapsed() + SETTLE_EVERY_S
        return False

    # ---- the person

    def _settle(self):
        """One thing that a refusal asks a person for."""
        named = self.lab.named()
        if named and not self.lab.is_primary(named.ordinal) and LOST_PRIMARY.search(
                self._last_words(named) + named.probe_words.get("readiness", "")
                + "".join(named.log().splitlines()[-2:])):  # under OrderedReady it waits, and is ready
            self._promote_another(named)
            return
        for pod in self.lab.pods:
            if KEPT_BEFORE in self._last_words(pod):
                self._remove_kept(pod)
                return
            if pod is not named and pod.phase != "Absent" and not pod.ready and \
                    WAL_GONE in pod.probe_words.get("readiness", ""):
                self.walk.say(f"   the person empties {pod.name}, whose next WAL is gone")
                pod.recreate(keep_volume=False)
                return

    @staticmethod
    def _last_words(pod):
        """What the last start of the pod said: its init's or its main container's termination."""
        return " ".join(text for text in pod.termination.values() if text)

    def _promote_another(self, named):
        """The named primary's volume is lost: its place is given to a standby."""
        if self.lab.controller.policy == "OrderedReady" and any(
                pod.phase == "Absent" for pod in self.lab.pods):
            # Nobody to promote can exist before the lost one is ready: the person lets all exist.
            self.walk.say("   the person makes the StatefulSet anew, as Parallel, around its pods")
            self.lab.controller.policy = "Parallel"
            return
        dead = [pod for pod in self.lab.pods if pod is named or (
            pod.name in self.walk.given_up and self.lab.is_primary(pod.ordinal) is None)]
        self.walk.given_up |= {pod.name for pod in dead}
        tap.check(not self.walk.synchronous or len(self.walk.given_up) <= self.walk.synchronous,
                  f"health needs {sorted(self.walk.given_up)} given up, more than was lost")
        self.walk.command("promote", "postgres", "--peer-is-dead",
                          ",".join(pod.name for pod in dead))

    def _remove_kept(self, pod):
        """The person has looked at the diverged directory, and needs it no more."""
        self.walk.guard.check_kept()
        names = glob.glob("*.diverged-*", root_dir=pod.volume.path)
        self.walk.say(f"   the person removes {names} of {pod.name}")
        pod.volume.remove(*names)
        pod.termination.clear()

    # ---- the rows

    def _check_rows(self):
        """What must be there is there, and every pod has the same."""
        named = self.lab.named().ordinal
        lost = set(self.writer.lost(named)) if self.writer.acknowledged else set()
        promised = set(self.writer.acknowledged) if self.walk.synchronous else self.walk.settled
        broken = sorted(lost & promised)
        tap.check(not broken, f"{len(broken)} acknowledged rows are lost: {broken[:10]}, by "
                  f"{ {self.writer.acknowledged[number] for number in broken} }")
        for number in lost:
            del self.writer.acknowledged[number]
        self.walk.settled = set(self.writer.acknowledged)
        if not self.writer.acknowledged:
            return
        contents = {pod.name: self._content(pod) for pod in self.lab.controller.wanted()}
        tap.check(len(set(contents.values())) == 1, f"the pods' rows differ: {contents}")
        self.walk.say(f"   at rest: {len(self.walk.settled)} rows, {len(lost)} lost without "
                      f"promise; kept: {self._kept()}")

    def _content(self, pod):
        try:
            return tuple(self.lab.sql(pod.ordinal, CONTENT, inside=True, database="app")[0])
        except (redis.Unreachable, pgwire.SqlError) as error:
            raise tap.Failure(f"{pod.name}: {error}") from error

    def _kept(self):
        return [os.path.basename(path) for pod in self.lab.pods
                for path in glob.glob(pod.volume.path + "/*.diverged-*")]
