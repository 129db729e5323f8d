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
import threading

from . import rest, tap

TOLD = 30  # steps that a failed walk tells
# What a command may end with: yes, no, refused, not yet, killed. 78 where the register is away.
# timeout(1), where the command ended by itself in the moment of the kill
TOO_LATE = 124
GOOD_ENDS = {0, 65, 75, 137}
WAYS_LOST = {78}
# Containers: 70 is a bug of ordain's, the signals are crashes (SIGILL, SIGABRT, SIGBUS, SIGSEGV).
BAD_ENDS = {70, -4, -6, -7, -11}
COMMAND_S = "11s"
WEIGHTS = {
    "kill_server": 4, "kill_start": 2, "kill_init": 2, "restart_one": 3, "restart_all": 1,
    "reboot_one": 2, "reboot_all": 1, "cut": 3, "heal": 5, "blind": 2, "hide_register": 1,
    "take_away": 2, "bring_back": 5, "promote": 5, "promote_two": 2, "promote_killed": 2,
    "form": 1, "form_killed": 2, "lose_volume": 3, "write": 2}


class Walk:
    """One walk over a started postgres.Lab of `ways` (ways.Ways), watched by a guard.

    `synchronous`: how many standbys confirm each commit, 0 or 1. `steps` has what was done.
    """

    def __init__(self, lab, ways, guard, writer, seed, synchronous=0):
        self.lab, self.ways, self.guard, self.writer = lab, ways, guard, writer
        self.synchronous = synchronous
        self.steps = []
        self.given_up = set()  # names, since the last rest
        self.settled = set()  # rows that every pod had at a rest
        self.random = random.Random(seed)
        self.seed = seed
        self._cuts = {}
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
        idle = set()
        if not any(pod.held for pod in self.lab.pods):
            idle.add("bring_back")
        if all(self.ways.is_open(pod.name) for pod in self.lab.pods):
            idle.add("heal")
        if not any(self.may_give_up(pod) for pod in self.lab.pods):
            idle.add("lose_volume")
        names = [name for name in WEIGHTS if name not in idle]
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
        if not os.path.exists(f"{place}/global/pg_control"):
            return False
        return pod is self.lab.named() or os.path.exists(f"{place}/standby.signal")

    def _any(self, *pods):
        return self.random.choice(pods or self.lab.pods)

    # ---- steps: servers and pods

    def kill_server(self):
        """SIGKILL; the container starts again through exec."""
        pod = self._any()
        return f"{pod.name} {'' if pod.kill() else 'does not run'}"

    def kill_start(self):
        """As kill_server, and exec, or what it became, is killed as well."""
        pod = self._any()
        after_s = [round(self.random.expovariate(8), 3) for _ in range(self.random.randint(1, 2))]
        pod.crash("main", *after_s)
        return f"{pod.name} {'' if pod.kill() else 'does not run'}, then after {after_s} s"

    def kill_init(self):
        """A new life whose init is killed."""
        pod = self._any()
        after_s = [round(self.random.expovariate(8), 3) for _ in range(self.random.randint(1, 3))]
        pod.crash("init", *after_s)
        pod.recreate(force=True)
        return f"{pod.name} restarted, init killed after {after_s} s"

    def restart_one(self):
        """A new address; init runs."""
        pod, force = self._any(), self._any(True, False)
        pod.recreate(force=force)
        return f"{pod.name} force={force}"

    def restart_all(self):
        """All stop at once and come back by the policy at new addresses."""
        force = self._any(True, False)
        self.lab.restart_all(force=force)
        return f"force={force}"

    def reboot_one(self):
        """A node loses power; init does not run."""
        pod = self._any()
        if not pod.life:
            return f"{pod.name} is absent"
        pod.reboot()
        return pod.name

    def reboot_all(self):
        """Power cut of everything."""
        pods = [pod for pod in self.lab.pods if pod.life]
        threads = [threading.Thread(target=pod.reboot) for pod in pods]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return ", ".join(pod.name for pod in pods)

    def take_away(self):
        """A pod that cannot be scheduled."""
        pod, force = self._any(), self._any(True, False)
        pod.delete(force=force)
        return f"{pod.name} force={force}"

    def bring_back(self):
        """One that can be again."""
        held = [pod for pod in self.lab.pods if pod.held]
        for pod in held[:self.random.randint(1, 2)]:
            pod.held = False
        return f"of {[pod.name for pod in held]}"

    def lose_volume(self):
        """An empty volume in the place of the old one, if the promises allow it."""
        pod = self._any()
        if not self.may_give_up(pod):
            return f"{pod.name} may not be lost, given up are {sorted(self.given_up)}"
        self.given_up.add(pod.name)
        pod.recreate(keep_volume=False, force=True)
        return pod.name

    # ---- steps: the network and the register

    def cut(self):
        """A pod that nobody reaches, and that does not reach the register."""
        pod = self._any()
        self._cut(pod)
        return pod.name

    def _cut(self, pod):
        if pod.name not in self._cuts:
            self.ways.close(pod.name)
            self._cuts[pod.name] = self.lab.cut(pod, "*")

    def _heal(self, name):
        self._cuts.pop(name).heal()
        self.ways.open(name)

    def heal(self):
        """The end of a cut, or of blindness."""
        closed = [pod.name for pod in self.lab.pods if not self.ways.is_open(pod.name)]
        if self.random.random() < 0.2 or not closed:
            self.ways.open_all()
            for name in list(self._cuts):
                self._heal(name)
            return f"all of {closed}"
        name = self._any(*closed)
        if name in self._cuts:
            self._heal(name)
        self.ways.open(name)
        return name

    def blind(self):
        """A pod that the others reach, and that does not reach the register."""
        pod = self._any()
        self.ways.close(pod.name)
        return pod.name

    def hide_register(self):
        """Nobody reaches the register."""
        self.ways.close_all()
        return "until healed"

    # ---- steps: commands

    def command(self, *words, after_s=None):
        """Runs ordain in a Job, killed `after_s` later; answers its Result. Notes a bad end."""
        argv = ("ordain", *words)
        if after_s is not None:
            argv = ("timeout", "--signal=KILL", str(after_s), *argv)
        result = self.lab.job(*argv, env={"ORDAIN_TIMEOUT": COMMAND_S})
        good = GOOD_ENDS if self.ways.is_open("jobs") else GOOD_ENDS | WAYS_LOST
        if after_s is not None:
            good = good | {TOO_LATE}
        self.say(f"   {' '.join(words)} ended with {result.rc}: "
                 f"{(result.err.strip().splitlines() or ['-'])[-1][:300]}")
        if result.rc not in good and not (result.rc == 78 and "register" in result.err):
            self._failure = f"{' '.join(words)}: {result!r}"
        return result

    def _in_background(self, *words, **how):
        job = threading.Thread(target=self.command, args=words, kwargs=how, daemon=True)
        self._jobs.append(job)
        job.start()
        return job

    def _take_down(self, pod):
        """The primary goes, so that another one may come."""
        how = self._any("cut", "delete", "kill", "as it is")
        if how == "cut":
            self._cut(pod)
        elif how == "delete":
            pod.delete(force=True)
        elif how == "kill":
            pod.kill()
        self.say(f"   {pod.name}: {how}")

    def _bring_others_back(self, named):
        """Whoever else is away comes back: a promotion needs every pod that is not given up."""
        for pod in self.lab.pods:
            if pod is not named:
                pod.held = False
                if pod.name in self._cuts:
                    self._heal(pod.name)

    def _dead(self, named):
        """Whom the person gives up: the primary, and without synchronous replication who is silent."""
        dead = [named] if named and self.may_give_up(named) and self.random.random() < 0.8 else []
        for pod in self.lab.pods:
            if not self.synchronous and pod not in dead and self.may_give_up(*dead, pod) and \
                    self.lab.is_primary(pod.ordinal) is None:
                dead.append(pod)
        return dead

    def _promotion(self):
        """The words of a promotion as a person may say them; mostly the primary goes before."""
        named = self.lab.named()
        if self.random.random() < 0.6:
            self._bring_others_back(named)
        dead = self._dead(named)
        if named in dead:
            self._take_down(named)
        self.given_up |= {pod.name for pod in dead}
        live = [pod for pod in self.lab.pods if pod not in dead]
        words = ["promote", "postgres"]
        words += [self._any(*live).name] if live and self.random.random() < 0.4 else []
        if dead:
            words += ["--peer-is-dead", ",".join(pod.name for pod in dead)]
        return words

    def promote(self):
        """A person promotes; often waits for the end of it."""
        words = self._promotion()
        job = self._in_background(*words)
        if self.random.random() < 0.6:
            job.join(60)
        return " ".join(words[2:]) or "whom it chooses"

    def promote_two(self):
        """Two persons promote at once."""
        both = [self._promotion(), self._promotion()]
        jobs = [self._in_background(*words) for words in both]
        for job in jobs:
            job.join(self.random.choice((2, 60)))
        return " and ".join(" ".join(words[2:]) or "whom it chooses" for words in both)

    def promote_killed(self):
        """A promotion that is killed somewhere on its way."""
        words, after_s = self._promotion(), round(self.random.uniform(0.02, 1.5), 3)
        self.command(*words, after_s=after_s)
        return f"{' '.join(words[2:]) or 'whom it chooses'}, killed after {after_s} s"

    def form_words(self):
        """The command that the person uses."""
        return ["form", "postgres"] + (["--synchronous", str(self.synchronous)]
                                       if self.synchronous else [])

    def form(self):
        """A Job forms, meanwhile more happens."""
        self._in_background(*self.form_words())
        return "in the background"

    def form_killed(self):
        """A Job that is killed somewhere on its way."""
        after_s = round(self.random.uniform(0.02, 1.0), 3)
        self.command(*self.form_words(), after_s=after_s)
        return f"killed after {after_s} s"

    def write(self):
        """Undisturbed for a moment, if a primary takes writes at all."""
        wanted = len(self.writer.acknowledged) + 20
        begin = self.guard.looks
        self.lab.wait(lambda: len(self.writer.acknowledged) >= wanted
                      or self.guard.looks > begin + 10, 60, "rows or looks")
        return f"{len(self.writer.acknowledged)} rows so far"
