"""Steps of a random walk: what happens to servers, pods, their network and their way to the register."""

import threading


class PodSteps:
    """Steps of walk.Walk, which this is a part of. Each answers what it did."""

    # ---- servers and pods

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

    def freeze(self):
        """Every process of a server, or of a whole pod, stands still, for longer than whoever
        waits for it."""
        pod, container = self._any(), self._any("main", None)
        return f"{pod.name} {container or 'wholly'}" if self._freeze(pod, container) else \
            f"{pod.name} does not run"

    def _freeze(self, pod, container=None):
        if not pod.life or not pod.life.pids(container):
            return False
        pod.freeze(container)
        self._still[pod.name] = self.lab.elapsed() + self.still_s
        return True

    def thaw(self):
        """Who stood still for long enough goes on."""
        names = self.stood_still()
        for name in names:
            self._thaw(name)
        return ", ".join(names)

    def stood_still(self):
        """The names of those whose time is over."""
        return [name for name, until in self._still.items() if until <= self.lab.elapsed()]

    def _thaw(self, name):
        del self._still[name]
        pod = self._named(name)
        if pod.life:
            pod.thaw(None)

    # ---- the network and the register

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
