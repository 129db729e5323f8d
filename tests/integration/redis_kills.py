"""Kills at every step: what the scenarios of test_redis_kill*.py and the soak share."""

import hashlib
import os
import re

from common import lab
from lab import check, equal

# The system calls after which the world may be another one: between two of them a kill changes nothing.
# strace counts each kind of call for itself.
CHANGES = ("openat", "flock", "write", "fchmod", "fsync", "renameat", "unlinkat", "mkdir", "fchown", "fchownat",
           "connect", "sendto", "setresuid")
VOLUME = ("nodes.conf", "nodes.conf.ordain", "ordain.birth")
CONFIG = ("redis.conf", "role", "ordain.env")
MODES = {"redis.conf": 0o600, "register": 0o664}
LEFTOVER = re.compile(r"^\..*\.ordain-[a-z0-9]{8}$")
ROW = re.compile(r"^[0-9a-f]{40} \S*@\d+\S* \S+ (-|[0-9a-f]{40}) \d+ \d+ \d+ (dis)?connected( \S+)*$")
KILLED = (-9, 137)  # as the first process of its namespace strace cannot end itself by the signal


def bench(world, **options):
    """A lab whose pods have sandboxes, addresses and names, and whose init containers wait: a place to
    run ordain again and again. Open the gates and the pods go on."""
    one = lab.Lab(world, template=lab.ordain(install=False), **options)
    for pod in one.pods:
        pod.close_gate("init")
    one.start()
    for pod in one.pods:
        one.wait(lambda pod=pod: pod.at_gate("init"), 20, f"{pod.name}'s sandbox")
    return one


def go_on(one):
    """The bench's pods live as usual from here on."""
    for pod in one.pods:
        pod.open_gate("init")


class Bench:
    """One pod of a bench: its files, set and seen; ordain run in it, whole or up to a kill.

    COMMAND is `init` (as root, in the init container) or `exec` (as the owner; it becomes `true`).
    """

    def __init__(self, pod, command, env=None):
        self.pod = pod
        self.command = command
        self.env = env or {}
        self.kills = 0

    def directories(self):
        """The volume, the config directory and the register's."""
        return self.pod.volume.path, self.pod.config, self.pod.lab.register

    def places(self):
        """All files that ordain writes: {name: path}."""
        volume, config, register = self.directories()
        places = {name: os.path.join(volume, name) for name in VOLUME}
        places.update({name: os.path.join(config, name) for name in CONFIG})
        places["register"] = os.path.join(register, f"{self.pod.lab.name}-ordain")
        return places

    def see(self):
        """{name: content, None: absent}."""
        seen = {}
        for name, path in self.places().items():
            seen[name] = None
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    seen[name] = file.read()
        return seen

    def set(self, files):
        """Makes the files so; whatever else lies there goes."""
        owner = 0 if self.command == "init" else 999
        self.pod.volume.clear()
        for directory in self.directories()[1:]:
            for name in os.listdir(directory):
                os.unlink(os.path.join(directory, name))
        for directory in self.directories()[:2]:
            os.chown(directory, owner, owner)
        for name, path in self.places().items():
            if files.get(name) is None:
                continue
            with open(path, "w", encoding="utf-8") as file:
                file.write(files[name])
            os.chmod(path, MODES.get(name, 0o644))
            os.chown(path, 999, 999)

    def leftovers(self):
        """Temporary files of killed writers."""
        return [name for place in self.directories() for name in os.listdir(place) if LEFTOVER.match(name)]

    def run(self, strace=()):
        """A lab.Result."""
        if self.command == "init":
            return self.pod.run_init(*strace, "ordain", "init", "redis", env=self.env)
        rights = lab.Container("main", ())
        life = self.pod.life
        return life.sandbox.execute((*strace, "ordain", "exec", "redis", "--", "true"), rights,
                                    {**life.env(rights), **self.env}, timeout_s=60)

    def whole(self):
        """A run to its end; answers what it said."""
        result = self.run()
        equal(result.rc, 0, f"{self.command}: {result!r}")
        return result.err

    def kill(self, call, nth):
        """A run that is killed when it enters the nth call of this kind; False when it ended before."""
        result = self.run(lab.killed_at((), call, nth))
        if result.rc == 0:
            return False
        check(result.rc in KILLED, f"{self.command} killed at {call} {nth}: {result!r}")
        self.kills += 1
        return True

    def walk(self, start, judge, calls=CHANGES):
        """From START killed at the 1st, 2nd, ... call of each kind, each time from START anew;
        JUDGE(seen, where) looks at what a kill left and runs it again. Then killed again and again
        without setting anything back, and one judgement at the end. Answers the number of kills."""
        before = self.kills
        for call in calls:
            nth = 1
            self.set(start)
            while self.kill(call, nth):
                judge(self.see(), f"killed at {call} {nth}")
                self.set(start)
                nth += 1
        for nth in range(1, 9):
            for call in ("renameat", "write"):
                self.kill(call, nth)
        judge(self.see(), "killed again and again")
        return self.kills - before


def other_mark(text):
    """The mark with the other of its two states."""
    if text is None:
        return None
    born = "state=born" in text
    return text.replace("state=born", "state=seeding") if born else text.replace("state=seeding", "state=born")


def old_or_new(one, start, new):
    """A judge for what has one right end: each file is as before or as after, never between, and the
    second run makes all of it so. ONE is the Bench."""
    def judge(seen, where):
        for name, text in seen.items():
            allowed = [start.get(name), new[name]]
            if name == "ordain.birth":
                allowed.append(other_mark(new[name]))
            check(text in allowed, f"{where}, {name} is torn or of another decision: {text!r}")
        said = one.whole()
        equal(one.see(), new, f"{where}: what {one.command} makes then ({said})")
        equal(one.leftovers(), [], f"{where}: left over")
    return judge


def is_whole_table(text):
    """True when nothing of a nodes.conf is torn: rows, and the line of variables last."""
    lines = text.splitlines()
    return text.endswith("\n") and lines[-1].startswith("vars currentEpoch ") and text.count("myself") == 1 and all(
        ROW.match(line) for line in lines[:-1])


def own_id(text):
    """The id of a table's own row."""
    return next(line.split()[0] for line in text.splitlines() if "myself" in line)


def mark_id(text):
    """The id that a mark names."""
    return re.search(r"^id=([0-9a-f]{40})$", text, re.MULTILINE).group(1)


def birth_id(one, ordinal):
    """The id that a pod of a lab has from its birth."""
    cluster = one.env.get("ORDAIN_CLUSTER_ID", f"{one.dns.namespace}/{one.name}")
    return hashlib.sha1(f"{cluster}/{one.name}-{ordinal}".encode()).hexdigest()
