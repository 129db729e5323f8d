"""Waiting for names, all addresses of a name, a real dnsmasq: what no command shows as it is. A driver on the
library does, built with sanitizers, which watch for leaks as well."""

import functools
import ipaddress
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from dns_server import ASKED, KINDS_OF_GARBAGE, NXDOMAIN, OPT, address, alias, authority, garbage, record, reply, zone
from dns_stage import GOOD, HERE, NAMES, ROOT, Run, case, equal, main, resolv, serve, silence, true

FOUND = "found 10.0.0.1\nfound 10.0.0.2\nfound 10.0.0.3\n"


SOURCES = ["tests/integration/dns_driver.c"] + [f"init/net/{name}.c" for name in (
    "addr", "addr_set", "dns", "dns_wait", "resolv_conf")] + [f"init/sys/{name}.c" for name in (
        "buf", "bug", "clock", "err", "file", "log", "random", "utf8")] + ["roles/text.c"]


@functools.lru_cache
def driver():
    """dns_driver.c with what it drives."""
    program, deps = tempfile.mkdtemp() + "/driver", "build/deps/debug"
    subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-g", "-fsanitize=address,undefined",
                    "-fno-sanitize-recover=all", "-I.", "-isystem", f"{deps}/include", "-o", program, *SOURCES,
                    f"-L{deps}/lib", "-lcares"], check=True, cwd=ROOT)
    return program


def drive(status, *words):
    """Runs the driver and holds it to an exit status."""
    run = Run(driver(), *words)
    equal(run.status, status, f"status ({run.err[-500:]!r})")
    return run


def absolute(names):
    return [name + "." for name in names]


@case
def all_addresses_of_a_name_are_told():
    many = [str(ipaddress.ip_address("10.9.0.0") + i) for i in range(1, 1001)]
    both = many[:300] + [f"fd00::{i:x}" for i in range(1, 301)]
    with serve(zone({"svc.example": many, "both.example": both, "none.example": []})):
        equal(drive(0, "all", "svc.example.", 3000).out.split(), many, "1000 addresses")
        equal(drive(0, "all", "both.example.", 3000).out.split(), both, "300 of each family")
        equal(drive(0, "all", "none.example.", 3000).out, "", "none")
        equal(drive(0, "all", "unknown.example.", 3000).out, "", "unknown")
    with serve(silence):
        true("DNS is broken" in drive(75, "all", "svc.example.", 500).err, "the sentence")


@case
def garbage_leaks_nothing():
    for i in range(KINDS_OF_GARBAGE):
        with serve(lambda query, i=i: [garbage(query)[i], garbage(query)[-i]]):
            run = Run(driver(), "ask", 300, *absolute(NAMES))
            true(run.status in (0, 75), f"kind {i}: {run.status}")


@case
def random_damage_leaks_nothing():
    seed = [1]

    def script(query):
        whole = bytearray(reply(query, [alias(ASKED, "b.example"), address("b.example", "10.0.0.1"),
                                        address(ASKED, "10.0.0.2")], extra=[record("", OPT, b"\0\3\0\4abcd")]))
        for _ in range(3):
            seed[0] = (seed[0] * 1103515245 + 12345) & 0x7fffffff
            whole[2 + (seed[0] >> 8) % (len(whole) - 2)] = seed[0] >> 16 & 0xff
        return bytes(whole)
    with serve(script):
        for _ in range(20):
            run = Run(driver(), "ask", 400, *absolute(NAMES * 20))
            true(run.status in (0, 75), f"{run.status}: {run.err[-500:]}")


@case
def waiting_ends_as_soon_as_the_needed_names_are_there():
    start = time.monotonic()

    def script(query):
        if query.name == NAMES[2] or (query.name == NAMES[1] and time.monotonic() < start + 1.5):
            return reply(query, rcode=NXDOMAIN, soa=[authority("cluster.local")])
        return zone(GOOD)(query)
    with serve(script):
        run = drive(0, "wait", 10000, 2, *absolute(NAMES))
    equal(run.out, "found 10.0.0.1\nfound 10.0.0.2\nabsent\nall\n", "answers")
    true(1.4 < run.seconds < 4, f"took {run.seconds:.2f} s")
    true(f"waiting for the DNS name '{NAMES[1]}.': it has no address yet" in run.err, run.err)


@case
def waiting_for_nobody_asks_once_and_goes_on():
    with serve(zone({})):
        run = drive(0, "wait", 10000, 0, *absolute(NAMES))
        equal(run.out, "absent\nabsent\nabsent\nall\n", "answers")
        true(run.seconds < 1, f"took {run.seconds:.2f} s")
    with serve(silence):
        run = drive(0, "wait", 10000, 0, *absolute(NAMES))
        equal(run.out, "unknown\nunknown\nunknown\nall\n", "answers")
        true(run.seconds < 2, f"took {run.seconds:.2f} s")


@case
def silence_for_names_that_nobody_needs_holds_nothing_up():
    with serve(lambda query: zone(GOOD)(query) if query.name == NAMES[0] else None):
        run = drive(0, "wait", 10000, 1, *absolute(NAMES))
        equal(run.out, "found 10.0.0.1\nunknown\nunknown\nall\n", "answers")
        true(run.seconds < 2, f"took {run.seconds:.2f} s")


@case
def waiting_in_vain_ends_at_its_time():
    with serve(zone({})):
        run = drive(0, "wait", 1000, 2, *absolute(NAMES))
        equal(run.out, "absent\nabsent\nabsent\nnot all\n", "answers")
        true(0.9 < run.seconds < 1.6, f"took {run.seconds:.2f} s")
    with serve(silence):
        run = drive(75, "wait", 1000, 2, *absolute(NAMES))
        true("DNS is broken" in run.err and "no name server answers yet" not in run.out, run.err)
        true(0.9 < run.seconds < 1.6, f"took {run.seconds:.2f} s")
    with serve(zone(GOOD)) as server:
        equal(drive(0, "wait", 0, 2, *absolute(NAMES)).out, "unknown\nunknown\nunknown\nnot all\n", "no time at all")
        equal(server.queries, [], "queries")


@case
def a_server_that_comes_back_while_one_waits_is_heard():
    start = time.monotonic()
    with serve(lambda query: zone(GOOD)(query) if time.monotonic() > start + 2 else None):
        run = drive(0, "wait", 15000, 3, *absolute(NAMES))
        true(run.out.endswith("\nall\n") and "not all" not in run.out, run.out)
        true(run.seconds < 5, f"took {run.seconds:.2f} s")


@case
def a_server_that_falls_silent_after_an_answer_has_answered():
    start = time.monotonic()
    with serve(lambda query: zone({})(query) if time.monotonic() < start + 0.5 else None):
        run = drive(0, "wait", 4000, 3, *absolute(NAMES))
        equal(run.out, "absent\nabsent\nabsent\nnot all\n", "answers")


@case
def names_that_are_found_are_not_asked_again():
    with serve(zone({NAMES[0]: ["10.0.0.1"]})) as server:
        drive(0, "wait", 1500, 2, *absolute(NAMES[:2]))
        counts = [sum(query.name == name for query in server.queries) for name in NAMES[:2]]
        equal(counts[0], 2, "questions for a name that was found at once")
        true(4 <= counts[1] <= 16, f"{counts[1]} questions for the other in 1.5 s")


@case
def opening_costs_less_than_a_millisecond():
    resolv(HERE, more="search cache.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n")
    microseconds = int(drive(0, "open", 50).out)
    true(microseconds < 1000, f"{microseconds} us, with sanitizers")


# ---- a real server

@case
def dnsmasq_gives_1_40_and_300_addresses():
    resolv("127.0.0.77")
    lines = [f"{text[0]} {name}\n" for name, text in GOOD.items()]
    for count in (40, 300):
        lines += [f"10.7.{i // 250}.{i % 250 + 1} many-{count}.example\n" for i in range(count)]
    hosts = pathlib.Path(tempfile.mkdtemp()) / "hosts"
    hosts.write_text("".join(lines), encoding="utf-8")
    hosts.parent.chmod(0o755)
    server = subprocess.Popen(["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
                               f"--addn-hosts={hosts}", "--listen-address=127.0.0.77", "--bind-interfaces",
                               "--edns-packet-max=1232", "--user=root", "--pid-file="])
    try:
        deadline = time.monotonic() + 10
        while Run(driver(), "ask", 300, *absolute(NAMES)).out != FOUND:
            true(time.monotonic() < deadline, "dnsmasq does not answer")
        for count in (40, 300):
            equal(len(drive(0, "all", f"many-{count}.example.", 3000).out.split()), count, "addresses")
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(hosts.parent)


if __name__ == "__main__":
    if os.environ.get("TEST_DNS_INSIDE") != "1":  # there the network is gone
        subprocess.run(["make", "-s", "build/deps/debug.key"], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    sys.exit(main(driver))
