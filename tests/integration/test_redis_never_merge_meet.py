#!/usr/bin/python3
"""An address that changes hands between form's look and its MEET, or while the handshake is under way."""

import re
import threading

from common import lab
from lab import check, equal, note
from never_merge import KEYS, Two, apart, both_whole, hold

TRACE = "/tmp/trace"
LONG = 200 # bytes


def traced(*words):
    """form under strace, which counts what it sends; a deadline of its own."""
    return ("strace", "-f", "-o", TRACE, "-e", "trace=sendto", *words, "ordain", "form", "redis", "--timeout", "12s")


def answering(one, ordinal):
    """True when a pod's server answers."""
    try:
        return bool(one.node_of(ordinal))
    except (lab.Unreachable, lab.ReplyError):
        return False


def lose(one, ordinal):
    """A pod comes back empty, and only form will join it."""
    one.pods[ordinal].recreate(keep_volume=False)
    one.wait(lambda: answering(one, ordinal), 20, f"redis-{ordinal}'s server answers")


def meets_at(one):
    """Which of the things that form sends is its first MEET: the first that is long, a script. Joins redis-4 on
    the way."""
    lose(one, 4)
    result = one.pods[2].run(*traced(), timeout_s=60)
    equal(result.rc, 0, f"form: {result!r}")
    lines = [line for line in one.pods[2].run("cat", TRACE).out.splitlines() if "sendto(" in line]
    found = [number for number, line in enumerate(lines, 1) if int(re.search(r", (\d+), \d+, NULL", line)[1]) > LONG]
    check(found, f"form sends a MEET: {lines[-20:]}")
    one.wait_healthy(30)
    one.check_keys(KEYS)
    hold(one)
    return found[0]


class Form:
    """form in redis-2, paused for a while when it sends the nth time; `rc` at its end."""

    def __init__(self, one, nth, delay_s):
        self.result = None
        inject = f"inject=sendto:delay_enter={int(delay_s * 1e6)}:when={nth}"

        def run():
            self.result = one.pods[2].run(*traced("-e", inject), timeout_s=60)
        self.thread = threading.Thread(target=run)
        self.thread.start()

    def end(self):
        """Waits for it."""
        self.thread.join()
        return self.result


def takes_over(one, other):
    """redis-0 is gone, and its address is other-1's; the name still leads there."""
    addresses = one.pods[0].addresses
    one.pods[0].delete(force=True)
    other.pods[1].recreate(addresses=addresses, force=True)
    other.wait(lambda: answering(other, 1), 20, "other-1's server answers")


def ends_well(one, other, result):
    """form met nobody, whatever it said; both clusters are whole again."""
    check(result.rc in (0, 65, 75), f"form: {result!r}")
    for pod in one.pods[1:]:
        names = {one.dns.name_of(mine.name) for mine in one.pods}
        strange = [row for row in one.cluster_nodes(pod.ordinal) if row.hostname and row.hostname not in names]
        equal(strange, [], f"rows of {pod.name}")
    equal({len(other.cluster_nodes(pod.ordinal)) for pod in other.pods}, {6}, "whom the other's servers know")
    one.pods[0].held = False
    one.wait(lambda: answering(one, 0), 30, "redis-0's server answers")
    one.dns.truth("redis-0")
    result = one.job("ordain", "form", "redis", env={"ORDAIN_TIMEOUT": "60s"}, timeout_s=90)
    equal(result.rc, 0, f"form at last: {result!r}")
    both_whole(one, other)
    apart(one, other)


def attack(world, before, delay_s, freeze):
    """form is paused BEFORE sends ahead of its first MEET (0: in it), and meanwhile the target's address goes
    to the other cluster's master; FREEZE: the target hangs first, so that the handshake cannot be finished."""
    template = lab.ordain(install=False)
    template.readiness = None  # nobody but form joins
    with Two(world, template=template) as (one, other):
        nth = meets_at(one) - before
        lose(one, 4)
        one.dns.lie("redis-0", one.pods[0].addresses)
        form = Form(one, nth, delay_s)
        begin = one.elapsed()
        one.wait(lambda: one.elapsed() - begin > 0.25, 5, "form is paused")
        if freeze:
            one.pods[0].freeze()
            one.wait(lambda: shakes(one) or one.elapsed() - begin > 1.5, 5, "the handshake begins")
            one.wait(lambda: not shakes(one), 2.5, "the handshake is taken back")
            note("taken back before the address changed hands")
        takes_over(one, other)
        ends_well(one, other, form.end())


def shakes(one):
    """True while redis-4 has a handshake under way."""
    return any("handshake" in row.flags for row in one.cluster_nodes(4))


def paused_before_it_asks(world):
    """form is paused between its look and its MEET, while the target's address changes hands"""
    attack(world, 1, 4, False)


def paused_in_the_meet(world):
    """form is paused in the very call that sends MEET, while the target's address changes hands"""
    attack(world, 0, 4, False)


def target_hangs(world):
    """the target of a MEET hangs, dies, and its address goes to the other cluster before the handshake would expire"""
    attack(world, 0, 0.5, True)


SCENARIOS = [paused_before_it_asks, paused_in_the_meet, target_hangs]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
