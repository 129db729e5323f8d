"""Cuts in the network between pods, or between a pod and the DNS.

Rules live in the node's firewall and name the wires' ends, so a cut between two pods holds whatever
addresses they get. The test process itself always reaches every pod.
"""

import itertools
import subprocess

COMMANDS = {4: "iptables", 6: "ip6tables"}
ENDS = {"dns": "vdns"}


class Cut:
    """One cut. `heal` ends it; also a context manager."""

    def __init__(self, rules):
        self._rules = rules
        for command, rule in rules:
            _iptables(command, "-A", rule)

    def heal(self):
        """Takes the rules away; a second call does nothing."""
        rules, self._rules = self._rules, []
        for command, rule in rules:
            _iptables(command, "-D", rule)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.heal()


def cut(network, one, other, how="drop", both=True, port=None):
    """Cuts traffic from `one` to `other`, and back unless `both` is False.

    Each is a pod, "dns" or "*" (every pod and the DNS). `how`: "drop" (silence: the client waits
    until its own time is over) or "reset" (refused at once). `port` limits the cut to that TCP and
    UDP destination port, in both directions.
    """
    directions = [(one, other), (other, one)] if both else [(one, other)]
    rules = []
    for source, target in directions:
        ends = _end("-i", source) + _end("-o", target)
        for family, (match, verdict) in itertools.product(
                network.families, _verdicts(how, port, source is one)):
            kind = verdict.get(family, verdict[4])
            rules.append((COMMANDS[family], ["FORWARD", *ends, *match, "-j", *kind]))
    return Cut(rules)


def _end(option, place):
    if place == "*":
        return []
    return [option, ENDS.get(place) or place.interface]


def _verdicts(how, port, forward):
    """Pairs of (match, {family: verdict}). On the way back the port is the source port."""
    option = "--dport" if forward else "--sport"
    drop = {4: ["DROP"]}
    reset = {4: ["REJECT", "--reject-with", "tcp-reset"]}
    refuse = {4: ["REJECT", "--reject-with", "icmp-port-unreachable"],
              6: ["REJECT", "--reject-with", "icmp6-port-unreachable"]}
    if how not in ("drop", "reset"):
        raise ValueError(f"how {how!r}")
    if port is None and how == "drop":
        return [([], drop)]
    ports = [] if port is None else [option, str(port)]
    return [(["-p", "tcp", *ports], drop if how == "drop" else reset),
            (["-p", "udp", *ports], drop if how == "drop" else refuse)]


def _iptables(command, action, rule):
    done = subprocess.run([command, "-w", action, *rule], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise OSError(f"{command}: {done.stdout.strip()}")
