"""The StatefulSet controller: which pod may exist when.

OrderedReady: pod i is created only while every lower one is ready; when pods beyond `replicas`
exist, the highest goes first. Parallel: all at once. A pod that the test holds back (`pod.held`)
is like one that cannot be scheduled: under OrderedReady it holds back the higher ones too.
"""

import threading


class Controller:
    """Creates and removes pods until they are as wanted. `replicas` may be changed at any time."""

    def __init__(self, pods, policy, replicas, start=0):
        if policy not in ("OrderedReady", "Parallel"):
            raise ValueError(f"policy {policy!r}")
        self.pods = pods
        self.policy = policy
        self.replicas = replicas
        self.start = start
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="statefulset")

    def begin(self):
        """Starts to work."""
        self._thread.start()

    def close(self):
        """Ends the work; pods stay as they are."""
        self._over.set()
        self._thread.join(60)

    def wanted(self):
        """The pods that shall exist, in order."""
        return self.pods[:self.replicas]

    def _work(self):
        while not self._over.wait(0.02):
            if self.policy == "Parallel":
                self._parallel()
            else:
                self._ordered()

    def _parallel(self):
        for pod in self.wanted():
            if pod.phase == "Absent" and not pod.held:
                pod.create()
        surplus = [pod for pod in self.pods[self.replicas:] if pod.phase != "Absent"]
        together([pod.remove for pod in surplus])

    def _ordered(self):
        for pod in self.wanted():
            if pod.phase == "Absent":
                if not pod.held:
                    pod.create()
                return
            if not pod.ready:
                return
        for pod in reversed(self.pods[self.replicas:]):
            if pod.phase != "Absent":
                pod.remove()
                return


def together(functions):
    """Calls functions in threads and waits for all of them; raises the first error."""
    errors = []

    def guarded(function):
        try:
            function()
        except BaseException as error:  # pylint: disable=broad-except
            errors.append(error)
    threads = [threading.Thread(target=guarded, args=(function,), daemon=True)
               for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
