#!/usr/bin/python3
"""The register on Kubernetes against every answer that an API server, or what stands in its place, can give: by a
driver on the library, built with sanitizers."""

import contextlib
import functools
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

import common  # noqa: F401  pylint: disable=unused-import # the way to the lab, for redis_proofs
from dns_stage import ROOT, Run, case, equal, main, true
from kube_server import NAME, SPACE, TOKEN, ApiServer, configmap, cut, http, lost, says, status
from redis_proofs import Authority

ACCOUNT = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")
HOST, PORT = "127.0.0.1", 6443
WHERE = {"KUBERNETES_SERVICE_HOST": HOST, "KUBERNETES_SERVICE_PORT": str(PORT)}
BORN = {"format": "1", "cluster-id": "cache/redis"}
SOURCES = ["tests/integration/register_driver.c"] + [f"init/{name}.c" for name in (
    "net/addr", "net/http", "register/file", "register/kube_access", "register/kube_answer", "register/kubernetes",
    "register/none", "register/register", "register/table", "sys/buf", "sys/bug", "sys/clock", "sys/err", "sys/file",
    "sys/json", "sys/json_syntax", "sys/log", "sys/random", "sys/utf8")] + ["roles/text.c"]


@functools.lru_cache
def driver():
    """register_driver.c with what it drives."""
    program, deps = tempfile.mkdtemp() + "/driver", "build/deps/debug"
    subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-g", "-fsanitize=address,undefined",
                    "-fno-sanitize-recover=all", "-I.", "-isystem", f"{deps}/include", "-isystem",
                    f"{deps}/include/cjson", "-o", program, *SOURCES, f"-L{deps}/lib", "-lcurl", "-lcjson", "-lssl",
                    "-lcrypto", "-lm"], check=True, cwd=ROOT)
    return program


@functools.lru_cache
def authority(name):
    return Authority(os.path.join(tempfile.mkdtemp(), name), name)


@functools.lru_cache
def certificate(names=(HOST, "::1", "localhost"), days=2, by="ca"):
    """Paths of certificate and key."""
    cert, key = authority(by).issue(names, days)
    paths = [authority(by).path(f"{abs(hash((names, days)))}.{kind}") for kind in ("crt", "key")]
    for path, text in zip(paths, (cert, key)):
        pathlib.Path(path).write_text(text, encoding="ascii")
    return tuple(paths)


def mount(token=TOKEN, ca=None):
    """What the kubelet mounts; it replaces both."""
    ACCOUNT.mkdir(parents=True, exist_ok=True)
    for name, text in (("token", token), ("ca.crt", ca or authority("ca").text("ca.crt"))):
        (ACCOUNT / (name + ".new")).write_text(text, encoding="ascii")
        os.replace(ACCOUNT / (name + ".new"), ACCOUNT / name)


@contextlib.contextmanager
def api(made=None, host=HOST, cert=None):
    """A server with the register's ConfigMap, empty where none is given; None: without."""
    mount()
    with ApiServer(host, PORT, *(cert or certificate())) as server:
        server.put(made or configmap())
        yield server


def drive(code, *words, timeout_ms=5000, env=None, err="", setting="kubernetes"):
    """Runs the driver and holds it to an exit status, one error line and a part of that. The token is never told."""
    run = Run(driver(), setting, timeout_ms, *words, env=WHERE if env is None else env)
    equal(run.status, code, f"status of {words} ({run.err[-800:]!r})")
    true(err in run.err, f"{err!r} is not in {run.err!r}")
    errors = [line for line in run.err.splitlines() if line.startswith("error: ")]
    equal(len(errors), int(code != 0), f"error lines of {run.err!r}")
    true(TOKEN not in run.out + run.err, f"the token is told: {run.err!r}")
    return run


def fails(server, fault, code, err, *words, timeout_ms=700, asked=None):
    """With this fault at each request the driver ends so, twice, and the register is as it was."""
    before = server.data()
    for _ in range(2):
        server.requests.clear()
        server.always = fault
        run = drive(code, *(words or ("get", "a")), timeout_ms=timeout_ms, err=err)
        server.always = None
        true(run.seconds < timeout_ms / 1000 + 3, f"took {run.seconds:.1f} s")
        if asked:
            equal(server.asked(), asked, f"requests at {err!r}")
    equal(server.data(), before, "the register")


# ---- what goes well


@case
def a_configmap_without_data_is_an_empty_register():
    with api() as server:
        equal(drive(0, "get", "a", "b").out, "a\nb\n", "nothing")
        equal(drive(0, "swap", "seeded.0", "-", "x").out, "swapped\nseeded.0=x\n", "the first change")
        equal(server.data(), {**BORN, "seeded.0": "x"}, "data")
        equal(drive(0, "get", "seeded.0", "b").out, "seeded.0=x\nb\n", "told")
        equal(drive(0, "swap", "seeded.0", "-", "y").out, "not swapped\nseeded.0=x\n", "there already")
        equal(server.data(), {**BORN, "seeded.0": "x"}, "data")
    for data in ({}, None):
        made = configmap()
        made["data"] = data
        with api(made) as server:
            equal(drive(0, "swap", "a", "-", "1").out, "swapped\na=1\n", f"data {data}")


@case
def several_keys_change_in_one_update():
    with api(configmap({**BORN, "primary": "pg-0", "timeline": "1"})) as server:
        words = ("primary", "pg-0", "pg-1", "timeline", "1", "2")
        equal(drive(0, "swap", *words).out, "swapped\nprimary=pg-1\ntimeline=2\n", "first")
        equal((server.asked("GET"), server.asked("PUT"), server.connections), (1, 1, 1), "requests, connections")
        equal(drive(0, "swap", *words).out, "not swapped\nprimary=pg-1\ntimeline=2\n", "second")
        equal(drive(0, "swap", "primary", "pg-1", "pg-2", "timeline", "1", "3").out,
              "not swapped\nprimary=pg-1\ntimeline=2\n", "one is not as expected")
        equal(server.asked("PUT"), 1, "updates")


@case
def what_is_not_ours_survives_each_update():
    data = {**BORN, "note": "by hand\nin two lines\t\u0001", "long": "x" * 5000, "empty": "", "UPPER.case_-": "é😀\"\\"}
    made = configmap(data, binaryData={"blob": "AAEC/w=="}, immutable=False)
    made["metadata"].update({
        "labels": {"app": "redis"}, "annotations": {"kubectl.kubernetes.io/last-applied": '{"a":"<b>&"}\n'},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "redis", "uid": "u",
                             "controller": True, "blockOwnerDeletion": False}],
        "finalizers": ["x/y"], "generation": 3, "deletionGracePeriodSeconds": None})
    made["later"] = {"unknown": [1, 2.5, -3, True, None, "x", {}, []]}
    with api(made) as server:
        wanted = json.loads(json.dumps(made))
        for value in ("1", "2"):
            drive(0, "swap", "a", "-" if value == "1" else "1", value)
            wanted["data"]["a"] = value
            now = json.loads(json.dumps(server.objects[(SPACE, NAME)]))
            wanted["metadata"]["resourceVersion"] = now["metadata"]["resourceVersion"]
            equal(now, wanted, "the object")


@case
def a_foreign_value_under_our_key_is_told():
    for value in ("line\nbreak", "x" * 256):
        with api(configmap({**BORN, "seeded.0": value})) as server:
            drive(78, "get", "seeded.0", err="is damaged: 'seeded.0' has")
            drive(0, "get", "seeded.1")
            drive(78, "swap", "seeded.0", "-", "x", err="is damaged: 'seeded.0' has")
            drive(0, "swap", "seeded.1", "-", "x")
            equal(server.data()["seeded.0"], value, "it stays")


@case
def another_clusters_and_a_newer_ones_register_are_told_apart():
    with api(configmap({"format": "1", "cluster-id": "other"})):
        drive(65, "get", "a", err="configmap cache/redis-ordain is of the cluster 'other'")
    with api(configmap({"format": "2", "cluster-id": "cache/redis"})):
        drive(78, "swap", "a", "-", "1", err="has format '2'")
    with api(configmap({"format": "1"})):
        drive(78, "get", "a", err="it has no 'cluster-id'")


@case
def one_connection_serves_a_whole_command():
    with api(configmap({**BORN, "a": "1"})) as server:
        equal(drive(0, "again", "20", "a").out, "a=1\n" * 20, "readings")
        equal((server.connections, server.asked()), (1, 20), "connections, requests")


@case
def a_connection_that_the_server_has_closed_is_made_anew():
    with api(configmap({**BORN, "a": "1"})) as server:
        def and_closes(exchange):
            exchange.send(exchange.own())
        server.always = and_closes
        equal(drive(0, "again", "5", "a").out, "a=1\n" * 5, "readings")
        for expected, value in (("1", "2"), ("2", "3")):
            equal(drive(0, "swap", "a", expected, value).out, f"swapped\na={value}\n", "a swap")
        equal(server.data()["a"], "3", "data")


@case
def the_server_is_found_by_ipv6_and_by_name():
    with api(host="::1"):
        drive(0, "get", "a", env={**WHERE, "KUBERNETES_SERVICE_HOST": "::1"})
    with api():
        pathlib.Path("/etc/hosts").write_text(f"{HOST} localhost\n", encoding="ascii")
        drive(0, "get", "a", env={**WHERE, "KUBERNETES_SERVICE_HOST": "localhost"})


@case
def no_proxy_of_the_environment_is_asked():
    with api():
        proxy = "http://127.0.0.1:9"
        drive(0, "get", "a", env={**WHERE, "https_proxy": proxy, "HTTPS_PROXY": proxy, "ALL_PROXY": proxy})


@case
def where_a_token_is_mounted_the_configmap_is_the_register():
    with api(configmap({**BORN, "a": "1"})) as server:
        equal(drive(0, "get", "a", setting="").out, "a=1\n", "it is asked")
        os.unlink(ACCOUNT / "token")
        equal(drive(0, "get", "a", setting="").out, "a\n", "without a token it is register none")
        equal(server.asked(), 1, "requests")
        drive(78, "get", "a", err="automountServiceAccountToken")
        mount()
        os.unlink(ACCOUNT / "ca.crt")
        drive(78, "get", "a", err="ca.crt")


@case
def where_the_server_is_has_to_be_told():
    mount()
    drive(78, "get", "a", env={}, err="KUBERNETES_SERVICE_HOST is not set")
    for host, port in (("a b", "443"), ("h/x", "443"), ("u@h", "443"), (HOST, "0"), (HOST, "65536"), (HOST, "tcp://x"),
                       ("[::1]", "443")):
        drive(78, "get", "a", err="no host and port",
              env={"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port})


# ---- compare and swap


@case
def of_two_that_race_each_change_is_one_own():
    with api() as server:
        runs = [subprocess.Popen([driver(), "kubernetes", "20000", "count", "40"], env={**os.environ, **WHERE})
                for _ in range(3)]
        equal([run.wait(30) for run in runs], [0, 0, 0], "statuses")
        equal(server.data()["count"], "120", "the count")


@case
def who_is_outrun_by_another_key_begins_anew():
    with api(configmap(BORN)) as server:
        def meanwhile(exchange):
            now = server.objects[(SPACE, NAME)]
            server.put({**now, "data": {**now["data"], "seeded.1": "other"}})
            return True
        server.script = [None, meanwhile]
        equal(drive(0, "swap", "seeded.0", "-", "mine").out, "swapped\nseeded.0=mine\n", "swap")
        equal(server.data(), {**BORN, "seeded.0": "mine", "seeded.1": "other"}, "data")
        equal((server.asked("GET"), server.asked("PUT")), (2, 2), "requests")


@case
def who_is_outrun_in_its_own_key_is_told_so_even_by_an_equal_value():
    for value in ("theirs", "mine"):
        with api(configmap(BORN)) as server:
            def meanwhile(_exchange):
                now = server.objects[(SPACE, NAME)]
                server.put({**now, "data": {**now["data"], "seeded.0": value}})
                return True
            server.script = [None, meanwhile]
            equal(drive(0, "swap", "seeded.0", "-", "mine").out, f"not swapped\nseeded.0={value}\n", value)


@case
def a_register_that_always_changes_ends_at_the_deadline():
    with api(configmap(BORN)) as server:
        def meanwhile(exchange):
            if exchange.request.method == "PUT":
                server.put(dict(server.objects[(SPACE, NAME)]))
            return True
        server.always = meanwhile
        drive(75, "swap", "a", "-", "1", timeout_ms=700, err="changed by others all the time")
        equal(server.data(), BORN, "data")


@case
def an_update_whose_answer_is_lost_is_found_by_the_next_look():
    for fault in (lost, says(http(502, "<html>bad gateway</html>", "text/html")),
                  says(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"kind\":"), says(http(500, "{}"))):
        def done_and(exchange, after=fault):
            exchange.own()
            return after(exchange)
        with api(configmap(BORN)) as server:
            server.script = [None, done_and]
            equal(drive(0, "swap", "a", "-", "1").out, "swapped\na=1\n", "stored, not told")
            equal((server.data()["a"], server.asked("GET"), server.asked("PUT")), ("1", 2, 1), "data, requests")
        with api(configmap(BORN)) as server:
            server.script = [None, fault if fault is not lost else cut]
            equal(drive(0, "swap", "a", "-", "1").out, "swapped\na=1\n", "not stored")
            equal((server.data()["a"], server.asked("GET"), server.asked("PUT")), ("1", 2, 2), "data, requests")


@case
def an_update_is_never_sent_twice_by_itself():
    with api(configmap(BORN)) as server:
        def other_wins(exchange):
            now = server.objects[(SPACE, NAME)]
            server.put({**now, "data": {**now["data"], "a": "other"}})
            exchange.cut()
        server.script = [None, other_wins]
        equal(drive(0, "swap", "a", "-", "mine").out, "not swapped\na=other\n", "swap")
        equal(server.asked("PUT"), 1, "updates")


@case
def an_update_that_is_lost_again_and_again_ends_with_its_reason():
    with api(configmap(BORN)) as server:
        def no_updates(exchange):
            return exchange.request.method == "GET" or exchange.cut()
        server.always = no_updates
        drive(75, "swap", "a", "-", "1", timeout_ms=700, err="cannot be asked")
        equal(server.data(), BORN, "data")


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


# ---- the connection


@contextlib.contextmanager
def listens(serve):
    """A server of bytes on the API's port: `serve` gets each connection."""
    sock = socket.create_server((HOST, PORT))

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(sock.accept()[0],), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    try:
        yield
    finally:
        sock.shutdown(socket.SHUT_RDWR)
        sock.close()


@case
def nobody_there_is_waited_for():
    mount()
    run = drive(75, "get", "a", timeout_ms=600, err="the API server at 127.0.0.1:6443 cannot be asked: ")
    true("connect" in run.err.lower() and 0.6 <= run.seconds < 3, f"{run.seconds:.2f} s, {run.err}")

    def late():
        time.sleep(0.4)  # the server's own start, not a wait of this test's
        started.append(ApiServer(HOST, PORT, *certificate()))
        started[0].put(configmap({**BORN, "a": "1"}))
    started = []
    thread = threading.Thread(target=late)
    thread.start()
    equal(drive(0, "get", "a").out, "a=1\n", "a server that starts")
    thread.join()
    started[0].close()


@case
def a_black_hole_costs_no_more_than_the_deadline():
    mount()
    held = socket.create_server((HOST, PORT), backlog=0)
    queue = [socket.socket() for _ in range(4)]
    for one in queue:
        one.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            one.connect((HOST, PORT))
    run = drive(75, "get", "a", timeout_ms=700, err="cannot be asked")
    true(0.7 <= run.seconds < 3, f"took {run.seconds:.2f} s")
    for one in (*queue, held):
        one.close()


@case
def a_slow_answer_costs_no_more_than_the_deadline():
    with api() as server:
        done = threading.Event()

        def drips(exchange):
            exchange.send(http(200, "{", length=1000))
            with contextlib.suppress(OSError):
                while not done.wait(0.05):
                    exchange.send(b" ")
        fails(server, drips, 75, "cannot be asked")
        fails(server, lambda exchange: done.wait(1) and False, 75, "cannot be asked")
        done.set()


@case
def no_tls_is_told():
    mount()
    with listens(lambda sock: (sock.sendall(http(400, "Client sent an HTTP request")), sock.close())):
        drive(75, "get", "a", timeout_ms=600, err="it speaks no TLS there, or broke it off")
    with listens(lambda sock: (sock.recv(10), sock.close())):
        drive(75, "get", "a", timeout_ms=600, err="cannot be asked")


@case
def a_certificate_must_be_of_the_authority_for_the_address_and_of_today():
    with api(cert=certificate(by="other")) as server:
        fails(server, None, 78, "unable to get local issuer certificate")
    with api(cert=certificate(days=-1)) as server:
        fails(server, None, 78, "certificate has expired")
    with api(cert=certificate(("10.0.0.1", "kubernetes.default.svc"))) as server:
        fails(server, None, 78, "127.0.0.1")
    with api(cert=certificate(("localhost",))) as server:
        fails(server, None, 78, "127.0.0.1")
        equal(server.asked(), 0, "no token was shown")
    with api() as server:
        mount(ca="garbage")
        drive(78, "get", "a", err="cannot be asked")
        mount(ca=authority("other").text("ca.crt") + authority("ca").text("ca.crt"))
        drive(0, "get", "a")
        (ACCOUNT / "ca.crt").write_bytes(b"a\0b")
        drive(78, "get", "a", err="holds no certificates")


@case
def a_new_authority_is_taken_within_a_command():
    with api(configmap({**BORN, "a": "1"})) as server:
        def rotates(_exchange):
            mount(ca=authority("ca").text("ca.crt") + authority("other").text("ca.crt"))
            return True
        server.script = [rotates]
        equal(drive(0, "again", "3", "a").out, "a=1\n" * 3, "readings")
        equal(server.connections, 2, "connections: the new files ask for a new handshake, once")


@case
def a_reading_takes_milliseconds():
    with api(configmap({**BORN, "a": "1"})):
        times = [int(line) for line in drive(0, "time", "50", "a").out.split()]
    print(f"# microseconds, sanitized: the first {times[0]}, the others {sorted(times[1:])[24]}")
    true(sorted(times[1:])[24] < 20_000, f"{times}")


if __name__ == "__main__":
    sys.exit(main(lambda: (mount(), driver())))
