"""What the demo writes, for a person at a terminal and for a log."""

import os
import sys
import time


class Screen:
    """Plain lines; on a terminal colours and one line that shows what is waited for."""

    def __init__(self):
        self.live = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self.colour = self.live and "NO_COLOR" not in os.environ
        self.began = time.monotonic()
        self._step_began = self.began
        self._step = 0

    def paint(self, text, code):
        """The text in a colour, where colours are wanted."""
        return f"\033[{code}m{text}\033[0m" if self.colour else text

    def say(self, text=""):
        """A line."""
        if self.live:
            sys.stdout.write("\r\033[K")
        print(text, flush=True)

    def step(self, title):
        """The headline of the next part."""
        self._step += 1
        self._step_began = time.monotonic()
        self.say()
        self.say(self.paint(f"{self._step}. {title}", "1"))

    def done(self, text):
        """Something has come true; with the time since the part began."""
        seconds = time.monotonic() - self._step_began
        self.say(f"   {self.paint('ok', '32')} {seconds:5.1f} s  {text}")

    def now(self, text):
        """What is waited for: overwritten by the next line; nothing where there is no terminal."""
        if self.live:
            seconds = time.monotonic() - self._step_began
            line = f"   .. {seconds:5.1f} s  {text}"
            sys.stdout.write("\r\033[K" + self.paint(line[:78], "2"))
            sys.stdout.flush()

    def block(self, text):
        """A program's output."""
        for line in text.rstrip().splitlines():
            self.say(f"      {line}".rstrip())

    def end(self, words):
        """The last line of a story."""
        seconds = time.monotonic() - self.began
        self.say()
        self.say(f"{self.paint(words, '1;32')} after {seconds:.0f} s. "
                 "Pods, network and files are gone with them.")
        self.say()
        self._step = 0

    def answer(self, pod, *argv):
        """What one of ordain's own commands says in a pod."""
        self.say()
        self.say("   " + self.paint(" ".join(argv), "36"))
        colour = "always" if self.colour else "never"
        result = pod.run(*argv, env={"ORDAIN_COLOR": colour})
        self.block(result.out or result.err)
        return result


def pods_ready(screen, one):
    """Waits for all pods of a lab."""
    wanted = len(one.pods)

    def ready():
        count = sum(pod.ready for pod in one.pods)
        screen.now(f"{count} of {wanted} pods ready")
        return count == wanted
    one.wait(ready, 120, "all pods are ready")
    screen.done(f"{wanted} of {wanted} pods are ready")


def whole(screen, one, words):
    """Waits until nobody complains; then says so."""
    def good():
        complaints = one.complaints()
        screen.now(complaints[0] if complaints else "")
        return not complaints
    one.wait(good, 120, "the set is healthy", lambda: "; ".join(one.complaints()[:4]))
    screen.done(words)


def moved(screen, one):
    """Every pod is deleted and comes back at a new address."""
    old = [pod.ip for pod in one.pods]
    one.delete_all()
    screen.done("no pod runs")
    for pod in one.pods:
        pod.held = False
    pods_ready(screen, one)
    screen.done("addresses: " + ", ".join(
        f"{before} -> {pod.ip}" for before, pod in list(zip(old, one.pods))[:2]) + ", ...")
