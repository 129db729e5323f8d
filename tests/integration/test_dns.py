"""DNS as the world has it: name servers that lie, stammer, are silent or dead, on port 53
of loopback addresses in a network namespace of the test's own, and `ordain peers` between them."""

import ipaddress
import json
import os
import socket
import struct
import subprocess
import sys
import time
import zlib

from dns_server import (A, AAAA, ASKED, FORMERR, KINDS_OF_GARBAGE, NOTIMP, NXDOMAIN, REFUSED, SERVFAIL, FakeQuery,
                        Server, Stream, address, alias, encode, garbage, record, reply, zone)
from dns_stage import (BASE, DOMAIN, FOUND, GOOD, HERE, LIMIT_S, MISSING, NAMES, ORDAIN, Run, case, equal, main,
                       lines, peers, resolv, serve, silence, true)


def good_after(make, count=1):
    """A script whose first COUNT answers to each question are MAKE's."""
    seen = {}

    def script(query):
        key = (query.name, query.type)
        seen[key] = seen.get(key, 0) + 1
        return make(query) if seen[key] <= count else zone(GOOD)(query)
    return script


# ---- what a server may answer

@case
def every_peer_has_an_address():
    with serve(zone(GOOD)) as server:
        peers(0, FOUND, faster_s=1)
    asked = sorted((query.name, query.type) for query in server.queries)
    equal(asked, sorted((name, kind) for name in NAMES for kind in (A, AAAA)), "each name is asked once, absolute")
    equal({query.edns for query in server.queries}, {1232}, "EDNS payload")


@case
def json_tells_the_same_and_more():
    with serve(zone({NAMES[0]: ["10.0.0.1", "fd00::1"], NAMES[2]: ["10.0.0.3"]})):
        run = peers(1, None, "--output", "json")
    told = json.loads(run.out)
    equal(told["version"], 1, "version")
    equal(told["peers"][0], {"ordinal": 0, "name": "redis-0", "host": NAMES[0], "outcome": "found",
                             "addresses": ["10.0.0.1", "fd00::1"]}, "first peer")
    equal([peer["outcome"] for peer in told["peers"]], ["found", "absent", "found"], "outcomes")


@case
def a_name_that_does_not_exist_is_a_dash_and_status_1():
    with serve(zone({NAMES[0]: ["10.0.0.1"]})):
        peers(1, lines("10.0.0.1", "-", "-"), faster_s=1)


@case
def no_data_is_absence():
    with serve(zone({}, rcode=0)):
        peers(1, MISSING, faster_s=1)


@case
def every_rcode_is_absence():
    for rcode in range(1, 16):
        with serve(lambda query, rcode=rcode: reply(query, rcode=rcode)):
            peers(1, MISSING, faster_s=2)


@case
def ipv6_that_is_nxdomain_does_not_hide_ipv4():
    with serve(lambda query: zone(GOOD)(query) if query.type == A else reply(query, rcode=NXDOMAIN)):
        peers(0, FOUND, faster_s=1)


@case
def ipv6_that_is_dropped_does_not_hide_ipv4():
    with serve(lambda query: zone(GOOD)(query) if query.type == A else None):
        peers(0, FOUND)


@case
def both_families_are_told_without_a_pod_ip():
    with serve(zone({**GOOD, NAMES[0]: ["fd00::1", "10.0.0.1"]})):
        peers(0, FOUND.replace("10.0.0.1", "10.0.0.1,fd00::1"))


@case
def the_pod_ip_s_family_alone_is_asked_for():
    both = {name: [text, "fd00::" + text[-1]] for name, (text,) in GOOD.items()}
    with serve(zone(both)) as server:
        peers(0, FOUND, env={"POD_IP": "10.0.0.1"})
        equal({query.type for query in server.queries}, {A}, "types asked")
    with serve(zone(both)) as server:
        peers(0, lines("fd00::1", "fd00::2", "fd00::3"), env={"POD_IP": "fd00::1"})
        equal({query.type for query in server.queries}, {AAAA}, "types asked")


@case
def old_and_new_addresses_are_kept_in_order_and_once():
    with serve(zone({**GOOD, NAMES[0]: ["10.0.0.9", "10.0.0.10", "10.0.0.9", "9.0.0.1"]})):
        peers(0, FOUND.replace("10.0.0.1\n", "9.0.0.1,10.0.0.9,10.0.0.10\n"))


@case
def a_thousand_records_come_by_tcp_and_the_least_eight_are_kept():
    many = [str(ipaddress.ip_address("10.9.0.0") + i) for i in range(1000, 0, -1)]
    least = ",".join(f"10.9.0.{i}" for i in range(1, 9))
    with serve(zone({**GOOD, NAMES[0]: many})) as server:
        peers(0, FOUND.replace("10.0.0.1", least), faster_s=2)
        true(any(query.tcp for query in server.queries), "no query came by TCP")


@case
def truncation_is_followed_to_tcp():
    with serve(lambda query: zone(GOOD)(query) if query.tcp else reply(query, truncated=True)):
        peers(0, FOUND, faster_s=1)


@case
def truncation_without_tcp_is_a_broken_dns_that_names_tcp():
    with serve(lambda query: reply(query, truncated=True), tcp=False):
        peers(75, "", "--timeout", "1s", err="UDP and TCP port 53", faster_s=2)


@case
def tcp_that_ends_in_the_middle_is_a_broken_dns():
    for whole in (b"", b"\0", b"\0\x40half", b"\0\0", b"\xff\xff" + b"x" * 100):
        with serve(lambda query, whole=whole: Stream(whole) if query.tcp else reply(query, truncated=True)):
            peers(75, "", "--timeout", "700ms", err="DNS is broken", faster_s=2)


@case
def tcp_that_never_ends_is_a_broken_dns():
    with serve(lambda query: Stream(b"\xff", closes=False) if query.tcp else reply(query, truncated=True)):
        peers(75, "", "--timeout", "700ms", err="DNS is broken", faster_s=2)


@case
def a_server_without_edns_is_asked_without():
    with serve(lambda query: reply(query, rcode=FORMERR) if query.edns else zone(GOOD)(query)):
        peers(0, FOUND, faster_s=1)


@case
def a_time_to_live_of_0_counts():
    with serve(lambda query: reply(query, [address(ASKED, GOOD[query.name][0], 0)] if query.type == A else [])):
        peers(0, FOUND)


@case
def the_case_of_names_does_not_matter():
    def script(query):
        answers = [address(query.name.swapcase(), GOOD[query.name][0])] if query.type == A else []
        return reply(query, answers, question=query.question.swapcase() if query.type == A else None)
    # swapcase leaves the bytes of type and class alone: none is a letter
    with serve(script):
        peers(0, FOUND, faster_s=1)


@case
def mapped_ipv6_is_ipv4():
    mapped = {name: ["::ffff:" + text] for name, (text,) in GOOD.items()}
    with serve(zone(mapped)):
        peers(0, FOUND)


@case
def addresses_that_no_pod_can_have_are_left_out_with_one_warning():
    bad = ["127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "169.254.1.1", "::", "::1", "fe80::1", "ff02::1",
           "::ffff:127.0.0.1"]
    with serve(zone({**GOOD, NAMES[0]: bad, NAMES[1]: bad + ["10.0.0.2"]})):
        run = peers(1, FOUND.replace("10.0.0.1", "-"), err="which no pod can have")
        equal(run.err.count("no pod can have"), 1, "warnings")


@case
def the_own_name_may_be_missing():
    with serve(zone({name: GOOD[name] for name in NAMES[1:]})):
        peers(1, FOUND.replace("10.0.0.1", "-"), env={"POD_NAME": "redis-0", "POD_IP": "10.0.0.1"})


# ---- aliases and foreign records

@case
def an_alias_is_followed():
    def script(query):
        if query.type != A or query.name != NAMES[0]:
            return zone(GOOD)(query)
        return reply(query, [address("c.example", "10.0.0.1"), alias("b.example", "c.example"),
                             alias(ASKED, "b.example")])
    with serve(script):
        peers(0, FOUND)


@case
def aliases_that_go_round_end():
    loops = ([alias(ASKED, NAMES[0])], [alias(ASKED, "b.example"), alias("b.example", NAMES[0])],
             [alias(ASKED, "b.example"), alias("b.example", "c.example"), alias("c.example", "b.example")],
             [alias(ASKED, "nowhere.example")], [alias(ASKED, ".")])
    for answers in loops:
        with serve(lambda query, answers=answers: reply(query, answers) if query.name == NAMES[0]
                   else zone(GOOD)(query)):
            peers(1, FOUND.replace("10.0.0.1", "-"), faster_s=2)


@case
def aliases_without_end_end():
    chain = [alias(ASKED, "x0.example")] + [alias(f"x{i}.example", f"x{i + 1}.example") for i in range(40)]
    with serve(lambda query: reply(query, chain + [address("x40.example", "10.0.0.1")])
               if query.tcp else reply(query, truncated=True)):
        peers(1, MISSING, faster_s=2)


@case
def records_of_other_names_do_not_count():
    def script(query):
        foreign = [address("evil.example", "10.6.6.6"), address(NAMES[1], "10.6.6.6")]
        if query.name == NAMES[0]:
            return reply(query, foreign, extra=[address(NAMES[0], "10.6.6.6")])
        return zone(GOOD)(query)
    with serve(script):
        peers(1, FOUND.replace("10.0.0.1", "-"))


@case
def records_of_the_other_family_do_not_count():
    def script(query):
        return reply(query, [address(ASKED, text) for text in ("fd00::1", "10.0.0.1")])
    with serve(script):
        peers(0, lines("10.0.0.1"), "--replicas", "1", env={"POD_IP": "10.0.0.1"})
        peers(0, lines("fd00::1"), "--replicas", "1", env={"POD_IP": "fd00::1"})


@case
def records_of_other_classes_and_types_do_not_count():
    def script(query):
        chaos = encode(ASKED) + struct.pack("!HHIH", A, 3, 5, 4) + bytes([10, 6, 6, 6])
        return reply(query, [chaos, record(ASKED, 16, b"\x04text"), record(ASKED, 65280, b"\x0a\x06\x06\x06")])
    with serve(script):
        peers(1, MISSING)


# ---- lies and garbage

@case
def garbage_of_every_kind_is_a_broken_dns():
    for i in range(KINDS_OF_GARBAGE):
        with serve(lambda query, i=i: garbage(query)[i]):
            run = Run(ORDAIN, "peers", "--timeout", "300ms", env=BASE)
            # the bare header and the echoed question may pass for an empty answer: absent then
            true((run.status, run.out) in ((75, ""), (1, MISSING)), f"kind {i}: {run.status} {run.out!r} {run.err!r}")
            true(run.status == 1 or "DNS is broken" in run.err, run.err)


@case
def a_wrong_id_is_not_heard():
    with serve(lambda query: reply(query, [address(ASKED, "10.6.6.6")], number=query.id ^ 1)):
        peers(75, "", "--timeout", "700ms", err="DNS is broken", faster_s=2)
    with serve(lambda query: [reply(query, [address(ASKED, "10.6.6.6")], number=query.id ^ 0x5555),
                              zone(GOOD)(query)]):
        peers(0, FOUND)


@case
def an_answer_to_another_question_is_not_heard():
    other = encode("evil.example") + struct.pack("!HH", A, 1)
    with serve(lambda query: reply(query, [address("evil.example", "10.6.6.6")], question=other)):
        peers(75, "", "--timeout", "700ms", err="DNS is broken", faster_s=2)
    with serve(lambda query: [reply(query, [address(ASKED, "10.6.6.6")], question=other), zone(GOOD)(query)]):
        peers(0, FOUND)


@case
def an_answer_from_another_address_is_not_heard():
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.bind(("127.0.0.66", 53))
    resolv(HERE)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((HERE, 53))
    server.settimeout(2)
    child = subprocess.Popen([ORDAIN, "peers", "--timeout", "700ms"], env={**os.environ, **BASE},
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    raw, peer = server.recvfrom(4096)
    query = FakeQuery()
    query.id, query.question = struct.unpack("!H", raw[:2])[0], raw[12:raw.index(b"\0", 12) + 5]
    stranger.sendto(reply(query, [address(ASKED, "10.6.6.6")]), peer)
    out, _ = child.communicate(timeout=LIMIT_S)
    server.close()
    stranger.close()
    equal((child.returncode, out), (75, ""), "status and output")


# ---- silence, and more than one server

@case
def silence_of_the_only_server_is_a_broken_dns_at_the_deadline():
    with serve(silence):
        run = peers(75, "", "--timeout", "1s", err=f"DNS is broken: no answer from {HERE}", faster_s=1.6)
        true(run.seconds > 0.9, f"ended after {run.seconds:.2f} s")


@case
def without_timeout_a_round_has_two_seconds():
    with serve(silence):
        run = peers(75, "", faster_s=2.8)
        true(run.seconds > 1.9, f"ended after {run.seconds:.2f} s")


@case
def a_closed_port_is_a_broken_dns():
    resolv("127.0.0.60", "127.0.0.61")
    peers(75, "", "--timeout", "1s", err="127.0.0.61", faster_s=1.6)


@case
def a_lost_packet_is_asked_again():
    with serve(good_after(silence)):
        peers(0, FOUND, faster_s=1.9)


@case
def a_slow_server_is_heard():
    def script(query):
        time.sleep(0.05)
        return zone(GOOD)(query)
    with serve(script):
        peers(0, FOUND, faster_s=1.9)


@case
def a_dead_first_server_costs_half_a_second():
    resolv("127.0.0.54", "127.0.0.55", HERE)
    with Server("127.0.0.54", silence), Server("127.0.0.55", zone(GOOD)), Server(HERE, zone(GOOD)):
        peers(0, FOUND, faster_s=1.2)


@case
def a_closed_first_server_costs_nothing():
    resolv("127.0.0.60", HERE)
    with Server(HERE, zone(GOOD)):
        peers(0, FOUND, faster_s=0.5)


@case
def a_server_that_refuses_sends_to_the_next():
    for rcode in (SERVFAIL, REFUSED, NOTIMP):
        resolv("127.0.0.54", HERE)
        with Server("127.0.0.54", lambda query, rcode=rcode: reply(query, rcode=rcode)), Server(HERE, zone(GOOD)):
            peers(0, FOUND, faster_s=1)


@case
def one_servers_failure_is_a_word_although_another_is_silent():
    for order in (("127.0.0.54", HERE), (HERE, "127.0.0.54")):
        resolv(*order)
        with Server("127.0.0.54", silence), Server(HERE, lambda query: reply(query, rcode=SERVFAIL)):
            peers(1, MISSING, "--timeout", "5s")
            # one question alone, whose last word in c-ares is the silence
            peers(1, lines("-"), "--timeout", "8s", "--replicas", "1", env={"POD_IP": "10.0.0.1"})


@case
def a_server_that_has_one_name_only_and_is_silent_for_others_is_not_broken():
    with serve(lambda query: zone(GOOD)(query) if query.name == NAMES[0] else None):
        run = peers(1, lines("10.0.0.1", "-", "-"), "--timeout", "1s")
        true("broken" not in run.err, run.err)


@case
def a_thousand_peers_are_found_although_packets_are_lost():
    wanted = {f"redis-{i}.{DOMAIN}": [str(ipaddress.ip_address("10.8.0.0") + i)] for i in range(1000)}
    dropped = set()

    def script(query):
        key = (query.name, query.type)
        if len(dropped) < 100 and key not in dropped and zlib.crc32(query.name.encode()) % 7 == 0:
            dropped.add(key)
            return None
        return zone(wanted)(query)
    with serve(script):
        out = lines(*(address for [address] in wanted.values()))
        peers(0, out, "--replicas", "1000", "--timeout", "20s")


if __name__ == "__main__":
    sys.exit(main())
