"""Steps of a random walk: volumes that are lost, full or old, and clones that are cut short."""

import os

from . import control_file

CLONE_S = 10
CLONE_BYTES = (100_000, 3_000_000)  # a clone's stream is longer, compressed as well


class DiskSteps:
    """Steps of walk.Walk, which this is a part of. Each answers what it did."""

    def lose_volume(self):
        """An empty volume in the place of the old one, if the promises allow it."""
        pod = self._any()
        if not self.may_give_up(pod):
            return f"{pod.name} may not be lost, given up are {sorted(self.given_up)}"
        self.given_up.add(pod.name)
        pod.recreate(keep_volume=False, force=True)
        return pod.name

    def fill_volume(self):
        """Not one byte more fits on a volume."""
        pod = self._any()
        pod.volume.shrink()
        self._full.add(pod.name)
        return pod.name

    def empty_volumes(self):
        """What filled the volumes is removed."""
        names, self._full = sorted(self._full), set()
        for name in names:
            self._named(name).volume.grow()
        return ", ".join(names)

    # ---- clones

    def kill_upstream(self):
        """A standby's volume is lost, and in the middle of its clone the primary is killed."""
        return self._interrupt_clone(lambda _, named: f"{named.name} "
                                     f"{'killed' if named.kill() else 'does not run'}")

    def kill_clone(self):
        """A standby's volume is lost, and the init that clones is killed, more than once."""
        def blow(pod, _):
            after_s = [round(self.random.expovariate(4), 3)
                       for _ in range(self.random.randint(0, 2))]
            pod.crash("init", *after_s)
            return f"init {'killed' if pod.kill('init') else 'ended'}, then after {after_s} s"
        return self._interrupt_clone(blow)

    def _interrupt_clone(self, blow):
        named, pods = self.lab.named(), [pod for pod in self.lab.pods if self.can_clone(pod)]
        if not pods:
            return "nobody can clone"
        pod, offset = self._any(*pods), self.random.randrange(*CLONE_BYTES)
        self.given_up.add(pod.name)
        with self.lab.interpose(pod.ordinal, named.ordinal) as between:
            between.hold_at(offset)
            pod.recreate(keep_volume=False, force=True)
            if not between.struck.wait(CLONE_S):
                return f"{pod.name} does not clone"
            return f"{pod.name}, at byte {offset}: {blow(pod, named)}"

    def can_clone(self, pod):
        """Whether a pod that lost its volume would clone at once, and may lose it."""
        named = self.lab.named()
        if not named or pod is named or not named.ready or not self.may_give_up(pod):
            return False
        if {pod.name, named.name} & self._cuts.keys() or not self.ways.is_open(pod.name):
            return False
        return self.lab.controller.policy == "Parallel" or \
            all(lower.ready for lower in self.lab.pods[:pod.ordinal])

    # ---- old volumes

    def picture(self):
        """A picture of a volume as storage takes it: of one moment."""
        pod = self._any()
        was_still = pod.name in self._still
        if not was_still:
            self._freeze(pod)
        process = pod.frozen and pod.life.main_process()
        timeline = self._timeline(pod)
        if process and timeline:
            self._pictures.pop(pod.name, None)
            pod.volume.save()
            if pod.frozen and pod.life.main_process() is process:
                self._pictures[pod.name] = timeline
        if not was_still and pod.name in self._still:
            self._thaw(pod.name)
        return f"{pod.name}, timeline {self._pictures.get(pod.name)}" + \
            (", the primary" if pod is self.lab.named() else "")

    def restore_volume(self):
        """An old picture in a volume's place, if the promises allow it: what was confirmed since
        is not there. That of a primary of the very timeline that is recorded is nobody's to
        restore."""
        pods = [pod for pod in self.lab.pods if self.may_restore(pod)]
        if not pods:
            return "none may be"
        pod = self._any(*pods)
        self.given_up.add(pod.name)
        pod.delete(force=True)
        pod.volume.restore()
        self._full.discard(pod.name)
        pod.held = False
        return f"{pod.name}, timeline {self._pictures[pod.name]}"

    def may_restore(self, pod):
        """Whether there is a picture, and a person may put it back."""
        if pod.name not in self._pictures or not self.may_give_up(pod):
            return False
        recorded = int(self.lab.register_of().get("timeline", 1))
        return pod is not self.lab.named() or self._pictures[pod.name] < recorded

    def _timeline(self, pod):
        """Of a pod's data; None where it has none."""
        try:
            return control_file.read(self.lab.pgdata(pod.ordinal)).timeline
        except OSError:
            return None
