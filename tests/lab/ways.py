"""The way to the register, of each pod and of the Jobs: what a partition takes away.

The register is a directory that all pods mount, which no firewall cuts. So each pod reaches it by a
symbolic link of its own; the link gone, the register is unreachable from there.
"""

import os

HOUSE = "house"
JOBS = "jobs"


class Ways:
    """Gives every pod of a lab, and its Jobs, a way to the register. Before the lab starts."""

    def __init__(self, lab):
        self._roof = lab.register
        lab.register = os.path.join(self._roof, HOUSE)
        os.mkdir(lab.register)
        os.chmod(lab.register, 0o777)
        self._names = [JOBS, *(pod.name for pod in lab.pods)]
        lab.env["ORDAIN_REGISTER"] = f"file:/register/{JOBS}"
        for pod in lab.pods:
            pod.extra_env["ORDAIN_REGISTER"] = f"file:/register/{pod.name}"
        self.open_all()

    def is_open(self, name):
        """Whether a pod (its name), or JOBS, reaches the register."""
        return os.path.islink(self._path(name))

    def close(self, name):
        """Takes one way away."""
        if self.is_open(name):
            os.unlink(self._path(name))

    def open(self, name):
        """Gives it back."""
        if not self.is_open(name):
            os.symlink(HOUSE, self._path(name))

    def close_all(self):
        """Nobody reaches the register."""
        for name in self._names:
            self.close(name)

    def open_all(self):
        """Everybody does."""
        for name in self._names:
            self.open(name)

    def _path(self, name):
        return os.path.join(self._roof, name)
