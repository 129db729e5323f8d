"""The stage of the DNS tests: namespaces in which /etc is ours, calls of programs, TAP. Needs root."""

import ctypes
import fcntl
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

from dns_server import Server

ROOT = pathlib.Path(__file__).resolve().parents[2]
ORDAIN = pathlib.Path(os.environ.get("ORDAIN", ROOT / "build/ordain")).resolve()
LIMIT_S = 30
DOMAIN = "redis.cache.svc.cluster.local"
NAMES = [f"redis-{i}.{DOMAIN}" for i in range(3)]
GOOD = {NAMES[0]: ["10.0.0.1"], NAMES[1]: ["10.0.0.2"], NAMES[2]: ["10.0.0.3"]}
HERE = "127.0.0.53"



def lines(*addresses, domain=DOMAIN):
    """What peers prints when the pods have these addresses."""
    return "".join(f"{i} redis-{i} redis-{i}.{domain} {address}\n" for i, address in enumerate(addresses))


FOUND = lines("10.0.0.1", "10.0.0.2", "10.0.0.3")
MISSING = lines("-", "-", "-")
BASE = {"ORDAIN_STATEFULSET": "redis", "ORDAIN_SERVICE": "redis", "POD_NAMESPACE": "cache", "ORDAIN_REPLICAS": "3"}

CASES = []


def case(function):
    """Its name, with blanks, is the sentence that TAP shows."""
    CASES.append(function)
    return function


class Wrong(Exception):
    """What was seen is not what must be."""


def equal(seen, wanted, what):
    if seen != wanted:
        raise Wrong(f"{what}: {seen!r}, not {wanted!r}")


def true(condition, what):
    if not condition:
        raise Wrong(what)


def resolv(*servers, more=""):
    """Writes /etc/resolv.conf (of this test's own namespace)."""
    text = "".join(f"nameserver {server}\n" for server in servers) + more
    pathlib.Path("/etc/resolv.conf").write_bytes(text if isinstance(text, bytes) else text.encode("latin-1"))


class Run:
    """One call of a program: status, stdout, stderr, seconds. A crash or a sanitizer's complaint is no answer."""

    def __init__(self, *words, env=None):
        whole = {name: value for name, value in os.environ.items() if not name.startswith(("ORDAIN_", "POD_"))}
        whole.update(env or {})
        start = time.monotonic()
        done = subprocess.run([str(word) for word in words], env=whole, capture_output=True, text=True,
                              timeout=LIMIT_S, check=False)
        self.seconds = time.monotonic() - start
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr
        if self.status < 0 or "Sanitizer" in self.err or "runtime error" in self.err:
            raise Wrong(f"{words} crashed with {self.status}: {self.err[-3000:]}")


def serve(script, host=HERE, **options):
    """A server that is the only one in resolv.conf."""
    resolv(host)
    return Server(host, script, **options)


def peers(status, out=None, *flags, env=None, err="", faster_s=None):
    """Runs `ordain peers` and holds it to exit status, output, a part of stderr and time."""
    run = Run(ORDAIN, "peers", *flags, env={**BASE, **(env or {})})
    equal((run.status, run.out), (status, run.out if out is None else out), f"status and output ({run.err!r})")
    true(err in run.err, f"{err!r} is not in {run.err!r}")
    true(faster_s is None or run.seconds < faster_s, f"took {run.seconds:.2f} s, not under {faster_s} s")
    return run


def silence(_):
    return None


def enter_namespaces():
    """A network, mounts and a host name of one's own; /etc and /run may be changed then."""
    if os.environ.get("TEST_DNS_INSIDE") != "1":
        os.environ["TEST_DNS_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount", "--uts", sys.executable] + sys.argv)
    lo = struct.pack("16sh14x", b"lo", 0x1)  # IFF_UP
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, 0x8914, lo)  # SIOCSIFFLAGS
    libc = ctypes.CDLL(None, use_errno=True)
    stage = tempfile.mkdtemp()
    for place in ("/etc", "/run"):
        copy = os.path.join(stage, place[1:])
        os.mkdir(copy)
        if libc.mount(b"tmpfs", copy.encode(), b"tmpfs", 0, None) != 0:
            raise OSError(ctypes.get_errno(), "mount tmpfs")
        if place == "/etc":
            shutil.copytree("/etc", copy, symlinks=True, dirs_exist_ok=True)
            if os.path.lexists(copy + "/resolv.conf"):
                os.remove(copy + "/resolv.conf")
        if libc.mount(copy.encode(), place.encode(), None, 0x1000, None) != 0:  # MS_BIND
            raise OSError(ctypes.get_errno(), f"bind {place}")
    subprocess.run(["hostname", "test"], check=True)
    return stage


def main(before=None):
    """Runs BEFORE, then the cases, or those whose names contain a word of the command line."""
    if os.geteuid() != 0:
        print("1..1\nnot ok 1 - needs root, for namespaces and port 53")
        return 1
    enter_namespaces()
    if before:
        before()
    wanted = sys.argv[1:]
    chosen = [function for function in CASES
              if not wanted or any(word in function.__name__ for word in wanted)]
    print(f"1..{len(chosen)}", flush=True)
    failed = 0
    for number, function in enumerate(chosen, 1):
        name = function.__name__.replace("_", " ")
        start = time.monotonic()
        try:
            function()
            print(f"ok {number} - {name}", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok {number} - {name}", flush=True)
            print("".join("# " + line for line in traceback.format_exc().splitlines(True)), flush=True)
        print(f"# {time.monotonic() - start:.1f} s", flush=True)
    return int(failed != 0)
