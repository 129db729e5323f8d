"""resolv.conf as nodes and kubelets write it, and as nobody should: `ordain peers` reads the one of this test's own
mount namespace."""

import os
import pathlib
import shutil
import subprocess
import sys

from dns_server import Server, zone
from dns_stage import FOUND, GOOD, HERE, ORDAIN, Run, case, equal, lines, main, peers, resolv, serve, silence, true


@case
def without_a_name_server_the_file_is_named():
    resolv()
    peers(78, "", err="no name server in '/etc/resolv.conf'", faster_s=1)
    os.remove("/etc/resolv.conf")
    peers(78, "", err="no name server in '/etc/resolv.conf': the file cannot be read", faster_s=1)
    os.mkdir("/etc/resolv.conf")
    peers(78, "", err="no name server in '/etc/resolv.conf'", faster_s=1)
    os.rmdir("/etc/resolv.conf")


@case
def the_domain_comes_from_the_search_list():
    answers = {name.replace("cluster.local", "k8s.example.org"): told for name, told in GOOD.items()}
    found = FOUND.replace("cluster.local", "k8s.example.org")
    with Server(HERE, zone(answers)):
        resolv(HERE, more="search cache.svc.k8s.example.org svc.k8s.example.org k8s.example.org a b c d e f\n")
        peers(0, found, faster_s=1)
        resolv(HERE, more="search cache.svc.k8s.example.org. " + "x." * 1000 + "y\n")
        peers(0, found, faster_s=1)
        resolv(HERE, more="search " + " ".join(f"s{i}.example" for i in range(300)) + " SVC.K8S.Example.ORG\n")
        peers(0, found, faster_s=1)
        resolv(HERE)
        peers(0, found, "--cluster-domain", "k8s.example.org.", faster_s=1)


@case
def the_namespace_comes_from_the_token_or_the_search_list():
    without = {"POD_NAMESPACE": ""}
    with Server(HERE, zone(GOOD)):
        resolv(HERE)
        peers(78, "", env=without, err="the namespace is not known")
        resolv(HERE, more="search cache.svc.cluster.local svc.cluster.local cluster.local\n")
        peers(0, FOUND, env=without)
        resolv(HERE, more="search elsewhere.svc.cluster.local svc.cluster.local cluster.local\n")
        token = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")
        token.mkdir(parents=True)
        (token / "namespace").write_text("cache\n", encoding="utf-8")
        peers(0, FOUND, env=without)
        shutil.rmtree(token)
        peers(1, lines("-", "-", "-", domain="redis.elsewhere.svc.cluster.local"), env=without)


@case
def a_strange_resolv_conf_is_lived_with():
    strange = ["options ndots:5 timeout:30 attempts:10 no-such-option rotate trust-ad\n", "options\n", "search\n",
               "search " + "a" * 2048 + "\n", "search -x -.- ..svc. svc. .svc.x a..svc.b \xff\xfe.svc.\xff\n", "domain x\n",
               "nameserver\n", "nameserver not-an-address\n", "nameserver 999.1.1.1\n", "nameserver fe80::1%lo\n",
               "sortlist 10.0.0.0/99\n", "lookup nothing\n", "\0\1\2\xff binary\n", "#" * 5000 + "\n", ";\n\n\n",
               "n" * 70000 + "\n"]
    with Server(HERE, zone(GOOD)):
        for more in strange:
            resolv(HERE, more=more)
            peers(0, FOUND, faster_s=1)
        resolv(HERE, more="".join(strange))
        peers(0, FOUND, faster_s=3)


@case
def options_do_not_stretch_the_deadline():
    resolv(HERE, more="options timeout:30 attempts:10 rotate\n")
    with Server(HERE, silence):
        peers(75, "", "--timeout", "700ms", env={"RES_OPTIONS": "timeout:30 attempts:9"}, faster_s=1.5)


@case
def servers_are_asked_in_their_order_whatever_the_options():
    resolv("127.0.0.54", HERE, more="options rotate\n")
    with Server("127.0.0.54", zone(GOOD)), Server(HERE, zone(GOOD)) as second:
        peers(0, FOUND, faster_s=1)
        equal(second.queries, [], "queries to the second server")


@case
def the_option_use_vc_is_heeded():
    resolv(HERE, more="options use-vc\n")
    with Server(HERE, zone(GOOD)) as server:
        peers(0, FOUND, faster_s=1)
        true(all(query.tcp for query in server.queries), "a query came by UDP")


@case
def a_name_server_may_have_an_ipv6_address():
    with serve(zone(GOOD), host="::1"):
        peers(0, FOUND, faster_s=1)


@case
def the_host_name_does_not_count_under_host_network():
    with serve(zone(GOOD)):
        subprocess.run(["hostname", "redis-7"], check=True)
        env = {"POD_NAME": "redis-1"}
        peers(78, "", env=env, err="must agree")
        hosts = pathlib.Path("/etc/hosts")
        old = hosts.read_text(encoding="utf-8")
        hosts.write_text("# Kubernetes-managed hosts file (host network).\n" + old, encoding="utf-8")
        peers(0, FOUND, env=env)
        run = Run(ORDAIN, "role", "redis", env={"ORDAIN_REPLICAS": "8"})
        equal((run.status, run.out), (78, ""), "role by a node's name")
        true("hostNetwork" in run.err and "POD_NAME" in run.err, run.err)
        hosts.write_text("# Kubernetes-managed hosts file.\n" + old, encoding="utf-8")
        peers(78, "", env=env, err="must agree")
        subprocess.run(["hostname", "test"], check=True)


if __name__ == "__main__":
    sys.exit(main())
