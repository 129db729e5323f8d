"""A random walk over a replicated Postgres: faults, promotions and repairs in any order, from a seed.

The walk is also the person who runs the set, and keeps to what that person is promised. A row that
was acknowledged under `--synchronous 1` is on two volumes, and stays as long as one of the two
does. So between two rests at most one volume may be *given up*: lost, or overruled by
`--peer-is-dead`. Without synchronous replication no such row is promised; then a volume may be
given up as long as another one, never given up, holds a whole standby or the named primary.

At a rest everything is healed, the person settles what ordain refuses (and nothing else), and then
all must be whole: the servers, the rows, the directories that were kept.
"""

import os
import random

from . import control_file, rest, tap, walk_commands, walk_disks, walk_pods

TOLD = 30  # steps that a failed walk tells
# Longer than the time-outs of replication (20 s), of a hold (20 s) and of the walk's commands.
STILL_S = 25.0
# Containers: 70 is a bug of ordain's, the signals are crashes (SIGILL, SIGABRT, SIGBUS, SIGSEGV).
BAD_ENDS = {70, -4, -6, -7, -11}
WEIGHTS = {
    "kill_server": 4, "kill_start": 2, "kill_init": 2, "restart_one": 3, "restart_all": 1,
    "reboot_one": 2, "reboot_all": 1, "cut": 3, "heal": 5, "blind": 2, "hide_register": 1,
    "take_away": 2, "bring_back": 5, "promote": 5, "promote_two": 2, "promote_killed": 2,
    "form": 1, "form_killed": 2, "lose_volume": 3, "write": 2, "freeze": 2, "thaw": 6,
    "fill_volume": 2, "empty_volumes": 6, "kill_upstream": 2, "kill_clone": 2, "picture": 2,
    "restore_volume": 3}


class Walk(walk_pods.PodSteps, walk_disks.DiskSteps, walk_commands.CommandSteps):
    """One walk over a started postgres.Lab of `ways` (ways.Ways), watched by a guard.

    `synchronous`: how many standbys confirm each commit, 0 or 1. `still_s`: how long who is
    stopped stands still. `steps` has what was done.
    """

    def __init__(self, lab, ways, guard, writer, seed, synchronous=0, still_s=STILL_S):
        self.lab, self.ways, self.guard, self.writer = lab, ways, guard, writer
        self.synchronous, self.still_s = synchronous, still_s
        self.steps = []
        self.given_up = set()  # names, since the last rest
        self.settled = set()  # rows that every pod had at a rest
        self.random = random.Random(seed)
        self.seed = seed
        self._cuts = {}
        self._still = {}  # name -> until when
        self._full = set()  # names
        self._pictures = {}  # name -> the timeline of its volume's picture
        self._jobs = []
        self._failure = None

    # ---- the walk

    def run(self, count, rest_every=18):
        """So many steps, with rests between and at the end. Failure tells seed and last steps."""
        try:
            self.rest()
            for number in range(1, count + 1):
                self._step(number)
                if number % rest_every == 0 or number == count:
                    self.rest()
        except BaseException:
            tap.diagnose(f"the walk of seed {self.seed} failed after {len(self.steps)} steps; "
                         "the last ones:")
            for line in self.steps[-TOLD:]:
                tap.diagnose(f"  {line}")
            raise

    def _step(self, number):
        name = self._choose()
        when = self.lab.elapsed()
        did = getattr(self, name)()
        self.say(f"{number}. {name}: {did}", when)
        self.wait_looks(self.random.choice((1, 1, 2, 4, 8)))
        self.check()

    def _choose(self):
        """The name of a step that has something to do."""
        pods = self.lab.pods
        sense = {
            "bring_back": any(pod.held for pod in pods),
            "heal": not all(self.ways.is_open(pod.name) for pod in pods),
            "thaw": self.stood_still(), "empty_volumes": self._full,
            "lose_volume": any(self.may_give_up(pod) for pod in pods),
            "restore_volume": any(self.may_restore(pod) for pod in pods)}
        sense["kill_upstream"] = sense["kill_clone"] = any(self.can_clone(pod) for pod in pods)
        names = [name for name in WEIGHTS if sense.get(name, True)]
        return self.random.choices(names, [WEIGHTS[name] for name in names])[0]

    def say(self, text, when=None):
        """Notes a step."""
        self.steps.append(f"{self.lab.elapsed() if when is None else when:7.2f} {text}")
        if os.environ.get("WALK_TELL"):
            tap.note(self.steps[-1])

    def wait_looks(self, count):
        """Waits until the guard has looked so often (five times a second), or found something."""
        wanted = self.guard.looks + count
        self.lab.wait(lambda: self.guard.looks >= wanted or self.guard.broken, 30,
                      "the guard looks")

    def check(self):
        """Failure where something was broken."""
        if self.guard.broken:
            raise tap.Failure("; ".join(self.guard.broken[:5]))
        for job in [job for job in self._jobs if not job.is_alive()]:
            self._jobs.remove(job)
        if self._failure:
            raise tap.Failure(self._failure)
        for pod in self.lab.pods:
            for container, codes in pod.exit_codes.items():
                if BAD_ENDS & set(codes):
                    raise tap.Failure(f"{pod.name}'s {container} ended with {codes}")

    def rest(self):
        """Heals everything and waits for health, which must come."""
        self.say("rest")
        for name in list(self._cuts):
            self._heal(name)
        self.ways.open_all()
        self.empty_volumes()
        self.lab.wait(lambda: len(self.stood_still()) == len(self._still), self.still_s + 1,
                      "all stood still for long enough")
        self.thaw()
        for pod in self.lab.pods:
            pod.held = False
        for job in self._jobs:
            job.join(60)
        rest.Rest(self).run()
        self.given_up = set()
        self.check()

    # ---- what the person may give up

    def may_give_up(self, *pods):
        """Whether the promises hold if these pods' volumes are lost or overruled."""
        after = self.given_up | {pod.name for pod in pods}
        if self.synchronous:
            return len(after) <= self.synchronous
        return any(pod.name not in after and self._is_whole(pod) for pod in self.lab.pods)

    def _is_whole(self, pod):
        """Whether a volume has a standby's data, or the named primary's."""
        place = self.lab.pgdata(pod.ordinal)
        try:
            unfinished = control_file.read(place).backup_start != 0
        except OSError:
            return False
        if unfinished or os.path.exists(f"{place}/backup_label"):
            return False  # a clone whose WAL is still the primary's alone
        return pod is self.lab.named() or os.path.exists(f"{place}/standby.signal")

    def _any(self, *pods):
        return self.random.choice(pods or self.lab.pods)

    def _named(self, name):
        return next(pod for pod in self.lab.pods if pod.name == name)

    def write(self):
        """Undisturbed for a moment, if a primary takes writes at all."""
        wanted = len(self.writer.acknowledged) + 20
        begin = self.guard.looks
        self.lab.wait(lambda: len(self.writer.acknowledged) >= wanted
                      or self.guard.looks > begin + 10, 60, "rows or looks")
        return f"{len(self.writer.acknowledged)} rows so far"
