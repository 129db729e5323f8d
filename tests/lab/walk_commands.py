"""Steps of a random walk: the commands that a person gives, some of which are killed."""

import threading

# What a command may end with: yes, no, refused, not yet, killed. 78 where the register is away.
# timeout(1), where the command ended by itself in the moment of the kill
TOO_LATE = 124
GOOD_ENDS = {0, 65, 75, 137}
WAYS_LOST = {78}
COMMAND_S = "11s"


class CommandSteps:
    """Steps of walk.Walk, which this is a part of. Each answers what it did."""

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
        how = self._any("cut", "delete", "kill", "freeze", "as it is")
        if how == "cut":
            self._cut(pod)
        elif how == "delete":
            pod.delete(force=True)
        elif how == "kill":
            pod.kill()
        elif how == "freeze":
            self._freeze(pod)
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
