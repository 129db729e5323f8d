#!/usr/bin/python3
"""The register on Kubernetes: what it reads, what it changes, what it leaves as it is, and who wins."""

import json
import os
import pathlib
import subprocess
import sys

from dns_stage import case, equal, main
from kube_server import NAME, SPACE, configmap, cut, http, lost, says
from register_stage import ACCOUNT, BORN, HOST, WHERE, api, drive, driver, mount, prepare


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


if __name__ == "__main__":
    sys.exit(main(prepare))
