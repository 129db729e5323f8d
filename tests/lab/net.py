"""The lab's network: each pod is one hop away from the *node*, as in most Kubernetes networks.

A pod has one address of its own (/32, /128) and a default route to the node; the node has a route
to each pod. So there is no neighbour table to fill (60 pods on a bridge would need 3,600 entries
of a table that the whole machine shares), the test process, which lives in the node's network
namespace, reaches every pod directly, and a rule about two pods holds for whatever addresses they
have: it names their interfaces.

An address that no pod has swallows packets silently (`gone="drop"`, as clouds do) or answers
"unreachable" at once (`gone="unreachable"`).
"""

import subprocess
import threading

NODE = {4: "10.244.0.1", 6: "fd00:10:244::1"}
DNS = {4: "10.96.0.10", 6: "fd00:10:96::a"}
POD_NETS = {4: "10.244.0.0/16", 6: "fd00:10:244::/64"}
GATEWAY = {4: "169.254.1.1", 6: "fe80::1"}
EVERYTHING = {4: "0.0.0.0/0", 6: "::/0"}
WIDTH = {4: 32, 6: 128}
NODE_SYSCTLS = {
    "net/ipv4/ip_forward": "1",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    "net/ipv6/conf/all/forwarding": "1",
    "net/ipv6/conf/default/accept_dad": "0",
    "net/ipv6/conf/default/dad_transmits": "0",
}
POD_SYSCTLS = {"net/ipv6/conf/default/accept_dad": "0", "net/ipv6/conf/default/dad_transmits": "0"}


def family_of(address):
    """4 or 6."""
    return 6 if ":" in address else 4


def run_ip(lines):
    """Runs ip(8) on the node with a batch of commands. Raises OSError with ip's own words."""
    done = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise OSError(f"ip: {done.stdout.strip()}")


class Net:
    """The node's side of the network, and the pool of addresses. `families`: (4,), (6,), (4, 6)."""

    def __init__(self, families=(4,), gone="drop"):
        self.families = tuple(families)
        self._lock = threading.Lock()
        self._next = 0
        self._groups = 0
        kind = {"drop": "blackhole", "unreachable": "unreachable"}[gone]
        lines = ["link set lo up"]
        for family in self.families:
            lines += [f"addr replace {NODE[family]}/{WIDTH[family]} dev lo",
                      f"route replace {kind} {POD_NETS[family]}"]
        for name, value in NODE_SYSCTLS.items():
            if "ipv6" in name and 6 not in self.families:
                continue
            with open(f"/proc/sys/{name}", "w", encoding="ascii") as file:
                file.write(value)
        run_ip(lines)

    def new_group(self):
        """A prefix for the interface names of one more set of pods."""
        with self._lock:
            self._groups += 1
            return f"v{self._groups}-"

    def new_addresses(self):
        """Addresses that no pod of this world has had, one of each family."""
        with self._lock:
            self._next += 1
            number = self._next
        known = {4: f"10.244.{number // 250 + 1}.{number % 250 + 2}",
                 6: f"fd00:10:244::{number + 0x100:x}"}
        return [known[family] for family in self.families]

    def sandbox_request(self, interface, addresses):
        """The part of a sandbox request that makes its end of the wire: eth0 and its routes.

        `interface` names the node's end: the same for each life of a pod.
        """
        lines = [f"link add eth0 type veth peer name {interface} netns 1", "link set lo up"]
        for address in addresses:
            family = family_of(address)
            nodad = " nodad" if family == 6 else ""
            lines.append(f"addr add {address}/{WIDTH[family]} dev eth0{nodad}")
        lines.append("link set eth0 up")
        for family in sorted({family_of(address) for address in addresses}):
            if family == 4:
                lines.append(f"route add {GATEWAY[4]} dev eth0 scope link")
            lines.append(f"route add {EVERYTHING[family]} via {GATEWAY[family]} dev eth0")
        sysctls = POD_SYSCTLS if 6 in self.families else {}
        return {"ip_batch": "\n".join(lines) + "\n", "sysctls": sysctls}

    def attach(self, interface, addresses):
        """The node's end of a new wire, and the node's route to the addresses."""
        lines = [f"link set {interface} up"]
        for family in sorted({family_of(address) for address in addresses}):
            nodad = " nodad" if family == 6 else ""
            lines.append(f"addr add {GATEWAY[family]}/{WIDTH[family]} dev {interface}{nodad}")
        for address in addresses:
            family = family_of(address)
            lines.append(f"route replace {address} dev {interface} src {NODE[family]}")
        run_ip(lines)

    def detach(self, interface):
        """Cuts the wire and frees its name at once (a namespace is freed some time later)."""
        try:
            run_ip([f"link del {interface}"])
        except OSError:
            pass  # the pod's end went first
