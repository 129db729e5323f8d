#!/usr/bin/python3
"""The register on Kubernetes against every answer that an API server, or what stands in its place, can give."""

import contextlib
import functools
import json
import sys

from dns_stage import case, equal, main, true
from kube_server import NAME, SPACE, TOKEN, configmap, cut, http, says, status
from register_stage import BORN, api, drive, fails, mount, prepare


# ---- refusals


@case
def a_token_that_was_replaced_is_read_anew():
    with api(configmap({**BORN, "a": "1"})) as server:
        def rotates(exchange):
            mount("new.token")
            server.tokens = {"new.token"}
            exchange.send(status(401, "Unauthorized", "Unauthorized"))
            exchange.keep = True
        server.script = [rotates]
        equal(drive(0, "get", "a").out, "a=1\n", "a reading")
        mount()
        server.tokens = {TOKEN}
        server.script = [None, rotates]
        equal(drive(0, "swap", "a", "1", "2").out, "swapped\na=2\n", "a swap")
        seen = [one.headers["authorization"] for one in server.requests]
        equal(seen, [f"Bearer {token}" for token in (TOKEN, "new.token", TOKEN, TOKEN, "new.token")], "tokens")


@case
def a_token_that_does_not_count_is_denied():
    with api() as server:
        server.tokens = set()
        fails(server, None, 77, "does not accept the service account's token (401)", asked=2)
        fails(server, says(http(401, "")), 77, "(401)", asked=2)


@case
def a_token_that_is_none_is_told():
    with api() as server:
        for text, err in (("", "is empty"), ("a\nb\n", "line break"), ("a b", "no bearer token"),
                          ("x" * 70_000, "larger than")):
            mount(text)
            drive(78, "get", "a", err=err)
        equal(server.asked(), 0, "requests")
        mount(TOKEN + "\n")
        drive(0, "get", "a")


@case
def rights_that_are_missing_are_named():
    with api() as server:
        server.rights = set()
        fails(server, None, 77, "the service account 'cache/redis' may not get configmap 'redis-ordain' in namespace "
              "'cache': give it a Role with the verbs get and update", asked=1)
        server.rights = {"get"}
        fails(server, None, 77, "may not update configmap 'redis-ordain'", "swap", "a", "-", "1", asked=2)
        words = 'admission webhook "policy.example" denied the request: no'
        fails(server, says(status(403, "Forbidden", words)), 77, f"forbids to get configmap 'redis-ordain' in "
              f"namespace 'cache': {words}", asked=1)
        words = 'configmaps "x" is forbidden: User "jane" cannot get resource'
        fails(server, says(status(403, "Forbidden", words)), 77, "the service account may not get", asked=1)


@case
def a_configmap_that_is_missing_is_told_from_what_is_no_api():
    with api(configmap(name="other")) as server:
        drive(78, "get", "a", err="configmap 'redis-ordain' does not exist in namespace 'cache': create it")
        drive(78, "swap", "a", "-", "1", err="does not exist")
        equal(server.asked(), 2, "requests")
    with api() as server:
        fails(server, says(status(404, "NotFound", 'namespaces "cache" not found', {"kind": "namespaces"})), 78,
              "the namespace 'cache' of the register does not exist", asked=1)
        fails(server, says(http(404, "404 page not found\n", "text/plain")), 75, "no API server answers at "
              "127.0.0.1:6443, but something before it or in its place: status 404, text/plain")
        fails(server, says(status(404, "", "the server could not find the requested resource")), 75, "status 404")


@case
def an_immutable_configmap_can_be_read_and_not_changed():
    with api(configmap({**BORN, "a": "1"}, immutable=True)) as server:
        equal(drive(0, "get", "a").out, "a=1\n", "a reading")
        drive(78, "swap", "a", "1", "2", err="configmap 'cache/redis-ordain' is immutable")
        equal(server.asked("PUT"), 0, "updates")


@case
def a_conflict_of_another_kind_is_told():
    with api(configmap(BORN)) as server:
        def terminating(exchange):
            return exchange.request.method == "GET" or exchange.send(
                status(409, "NamespaceTerminating", "namespace cache is being terminated"))
        fails(server, terminating, 75, "does not update configmap 'cache/redis-ordain' now: namespace cache is being "
              "terminated", "swap", "a", "-", "1", asked=2)
        fails(server, says(status(409, "Conflict", "?")), 75, "answers a question with a conflict", asked=1)


@case
def what_the_server_finds_invalid_is_told_in_its_words():
    with api(configmap(BORN)) as server:
        def invalid(exchange, code, words):
            return exchange.request.method == "GET" or exchange.send(status(code, "Invalid", words))
        fails(server, functools.partial(invalid, code=422, words="Too long: must have at most 1048576 bytes"), 78,
              "refuses (422): Too long: must have at most 1048576 bytes", "swap", "a", "-", "1", asked=2)
        fails(server, functools.partial(invalid, code=413, words="too large\n\x1b[2J"), 78, "refuses (413): too large",
              "swap", "a", "-", "1", asked=2)
        fails(server, says(status(400, "BadRequest", "")), 78, "refuses (400): it gives no reason", asked=1)


# ---- not now


@case
def a_server_that_has_too_much_to_do_says_when():
    busy = says(status(429, "TooManyRequests", "please try again later", headers=["Retry-After: 1"]), keep=True)
    with api(configmap({**BORN, "a": "1"})) as server:
        server.script = [busy]
        run = drive(0, "get", "a")
        true(1 <= run.seconds < 3.5, f"took {run.seconds:.2f} s: {run.err}")
        server.script = [None, busy]
        run = drive(0, "swap", "a", "1", "2")
        true(1 <= run.seconds < 3.5 and run.out.startswith("swapped"), f"took {run.seconds:.2f} s: {run.out}")
        equal(server.asked("PUT"), 2, "updates: the one that was not taken is sent again")
        for seconds in ("60", "99999999999", "-5", "Fri, 31 Dec 2038 23:59:59 GMT", "x"):
            fails(server, says(status(429, "TooManyRequests", "later", headers=[f"Retry-After: {seconds}"])), 75,
                  "has too much to do (429): later")
        server.always = says(status(429, "TooManyRequests", "later", headers=["Retry-After: 60"]))
        run = drive(75, "get", "a", timeout_ms=3000, err="not in time, for it asks to wait 60 s")
        true(run.seconds < 1.5, "nobody waits for what is past the deadline")


@case
def a_server_that_fails_is_asked_again():
    with api(configmap({**BORN, "a": "1"})) as server:
        for code in (500, 502, 503, 504):
            server.script = [says(status(code, "InternalError", "etcdserver: request timed out"))] * 3
            equal(drive(0, "get", "a").out, "a=1\n", f"after three of {code}")
        fails(server, says(status(503, "ServiceUnavailable", "etcdserver: no leader")), 75,
              "the API server at 127.0.0.1:6443 fails (503): etcdserver: no leader")


@case
def a_proxys_page_is_told_as_what_it_is():
    with api(configmap({**BORN, "a": "1"})) as server:
        page = "<!DOCTYPE html><html><body>Sign in</body></html>"
        for code in (200, 302, 403, 404, 502):
            fails(server, says(http(code, page, "text/html; charset=utf-8", ["Location: https://login.example/"])),
                  75, f"in its place: status {code}, text/html; charset=utf-8, it is no JSON: no JSON value at byte 0")
        server.script = [says(http(502, page, "text/html"))] * 2
        equal(drive(0, "get", "a").out, "a=1\n", "after two of them")


# ---- hostile answers


@case
def half_an_answer_is_none():
    with api(configmap({**BORN, "a": "1"})) as server:
        whole = json.dumps(server.objects[(SPACE, NAME)])
        fails(server, says(http(200, whole[:-20], length=len(whole))), 75, "cannot be asked")
        fails(server, says(http(200, whole[:-20])), 75, "no API server answers")
        fails(server, says(http(200, whole, length=len(whole) - 20)), 75, "no API server answers")
        fails(server, says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n{"), 75, "cannot be asked")
        fails(server, says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{"), 75, "cannot be asked")
        fails(server, says(b"HTTP/1.1 200 OK\r\nContent-"), 75, "cannot be asked")
        fails(server, says(b"220 smtp.example ESMTP\r\n"), 75, "cannot be asked")
        fails(server, cut, 75, "cannot be asked")
        server.script = [cut, says(http(200, whole[:-20], length=len(whole)))]
        equal(drive(0, "get", "a").out, "a=1\n", "after both")
        fails(server, says(http(200, whole, length=False)), 75, "unexpected eof while reading")


@case
def hostile_json_proves_nothing():
    with api(configmap({**BORN, "a": "1"})) as server:
        good = server.objects[(SPACE, NAME)]

        def but(**changes):
            made = json.loads(json.dumps(good))
            for path, value in changes.items():
                place = made
                *way, last = path.split("__")
                for step in way:
                    place = place[step]
                if value is KeyError:
                    del place[last]
                else:
                    place[last] = value
            return json.dumps(made)
        other = "which is not the ConfigMap that was asked for"
        for body, err in (
                ("[" * 100_000, "nested too deep"), ('{"a":' * 100_000, "nested too deep"),
                ("[" + "0," * 200_000 + "0]", "too many values"), ("", "no JSON value"), ("null", other),
                ("[]", other), ("\"ConfigMap\"", other), ("{}", other),
                (json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Success"}), other),
                (json.dumps({"kind": "ConfigMapList", "apiVersion": "v1", "items": [good]}), other),
                (but(kind="Secret"), other), (but(apiVersion="v2"), other), (but(metadata=None), other),
                (but(metadata__resourceVersion=KeyError), other), (but(metadata__resourceVersion=1000), other),
                (but(metadata__resourceVersion=""), other), (but(metadata__name="other"), other),
                (but(metadata__namespace="other"), other), (but(data__a=1), other), (but(data__a=None), other),
                (but(data__a={"b": "c"}), other), (but(data=[]), other), (but(data="x"), other),
                (but(data={"a b": "c"}), other), (but(data={"": "c"}), other),
                (but().replace('"a": "1"', '"a": "1", "a": "2"'), "a key twice"),
                (but().replace('"a": "1"', '"a": "\\u0000"'), "a string with a NUL"),
                (but(generation=10 ** 18), "a number is too large"),
                (b'{"data":"\xff\xfe"}', "no UTF-8"), (but() + but(), "something behind the value")):
            fails(server, says(http(200, body)), 75, err, timeout_ms=250)


@case
def an_endless_answer_ends_at_four_mebibytes():
    with api() as server:
        sent = []

        def floods(exchange):
            exchange.send(http(200, b'{"kind":"', length=100_000_000))
            with contextlib.suppress(OSError):
                for _ in range(100):
                    exchange.send(b"x" * 1_000_000)
                    sent.append(1)
        fails(server, floods, 75, "its answer is longer than 4194304 bytes")
        true(len(sent) < 100, "it is not read to its end")

        def heads(exchange):
            exchange.send(b"HTTP/1.1 200 OK\r\n")
            with contextlib.suppress(OSError):
                for _ in range(1000):
                    exchange.send(b"X-More: " + b"x" * 10_000 + b"\r\n")
        fails(server, heads, 75, "cannot be asked")


@case
def a_register_of_its_full_size_is_read_and_changed():
    data = {**BORN, **{f"k{i}": "\u0001é\"" * 40 for i in range(3500)}}
    with api(configmap(data)) as server:
        equal(drive(0, "swap", "a", "-", "1").out, "swapped\na=1\n", "swap")
        equal(server.data(), {**data, "a": "1"}, "data")
    with api(configmap({**BORN, **{f"k{i}": "" for i in range(4094)}})):
        drive(78, "swap", "a", "-", "1", err="is full: it has 4096 keys")
    with api(configmap({**BORN, **{f"k{i}": "" for i in range(4095)}})):
        drive(78, "get", "a", err="more than 4096 keys")


if __name__ == "__main__":
    sys.exit(main(prepare))
