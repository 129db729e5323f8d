#!/usr/bin/python3
"""The lab proves its faults and its clients: cuts, volumes, IPv6, cluster health, TLS, pictures."""

import os
import subprocess
import time

from common import lab, plain, resolve
from lab import check, equal


def cuts_cut(world):
    """DROP is silence, REJECT is refused at once, and both follow a pod to its new address"""
    with plain(world) as one:
        one.up(30)
        first, second, third = one.pods

        def ask(target):
            begin = time.monotonic()
            rc = first.run("redis-cli", "-h", target.ip, "ping", timeout_s=1).rc
            return rc, time.monotonic() - begin
        equal(ask(second)[0], 0, "no cut")
        with one.cut(first, second):
            equal(ask(second)[0], None, "dropped")
            equal(ask(third)[0], 0, "another pod")
            second.recreate()
            second.wait_ready()
            equal(ask(second)[0], None, "dropped at the new address")
        equal(ask(second)[0], 0, "healed")
        with one.cut(first, "*", "reset"):
            rc, seconds = ask(second)
            check(rc == 1 and seconds < 0.9, f"reset: {rc} after {seconds:.2f} s")
            equal(ask(third)[0], 1, "isolated")
            with one.redis(0) as connection:
                equal(connection.call("PING"), "PONG", "the test process reaches it")
        with one.cut(first, second, port=16379):
            equal(ask(second)[0], 0, "another port")


def volumes_fail(world):
    """a volume is full, small, read-only, lost, and put back"""
    with plain(world, 1) as one:
        pod, volume = one.pods[0], one.pods[0].volume
        one.up(30)
        volume.fill()
        copy = ("cp", "/usr/bin/redis-server", "/data/y")
        check("No space left" in pod.run(*copy).err, "full")
        volume.unfill()
        equal(pod.run(*copy).rc, 0, "room again")
        pod.run("rm", "/data/y")
        volume.resize("1m")
        check("No space left" in pod.run(*copy).err, "small")
        volume.save()
        pod.delete()
        volume.read_only()
        pod.create()
        one.wait(lambda: pod.restarts["main"] > 0, 10, "a read-only volume stops the server")
        pod.delete(force=True)
        volume.read_only(False)
        volume.lose()
        equal(os.listdir(volume.path), [], "lost")
        volume.restore()
        check("nodes.conf" in os.listdir(volume.path), "restored")
        equal(os.stat(volume.file("nodes.conf")).st_uid, 999, "owner of a restored file")


def two_families(world):
    """IPv6 alone and dual stack: names, addresses and servers"""
    with plain(world, 2, families=(4, 6)) as one:
        one.up(30)
        pod = one.pods[0]
        equal(len(one.pods[1].addresses), 2, "addresses")
        equal(resolve(pod, "redis-1") + resolve(pod, "redis-1", "AAAA"),
              one.pods[1].addresses, "A and AAAA")
        for address in one.pods[1].addresses:
            equal(pod.run("redis-cli", "-h", address, "ping").out, "PONG\n", address)


def ipv6_alone(world):
    """IPv6 alone: resolver, names and servers"""
    with plain(world, 2, families=(6,)) as one:
        one.up(30)
        pod = one.pods[0]
        equal(resolve(pod, "redis-1", "AAAA"), [one.pods[1].ip], "AAAA")
        equal(resolve(pod, "redis-1"), [], "A")
        equal(pod.run("redis-cli", "-h", "redis-1.redis", "ping").out, "PONG\n", "by name")
        with one.redis(1) as connection:
            equal(connection.call("PING"), "PONG", "the test process")


def a_cluster_is_judged(world):
    """health, views, keys and the background writer, on a cluster made by redis-cli"""
    with plain(world, 6) as one:
        one.up(30)
        check(not one.healthy(), "six strangers are no cluster")
        targets = [f"{pod.ip}:6379" for pod in one.pods]
        result = one.job("redis-cli", "--cluster", "create", *targets, "--cluster-replicas", "1",
                         "--cluster-yes")
        equal(result.rc, 0, f"create: {result!r}")
        one.wait_healthy(60)
        one.write_keys(2000)
        equal(one.count_keys(), 2000, "keys")
        one.check_keys(2000)
        equal(len(one.masters_now()), 3, "masters")
        equal(sum(row.count() for row in one.cluster_nodes(4)), 16384, "slots in one view")
        with one.writer() as writer:
            one.wait(lambda: len(writer.acknowledged) > 200, 20, "writes")
        equal(writer.lost(), [], "lost writes")
        one.pods[5].freeze()
        check(any("redis-5" in words for words in one.complaints()), "a frozen server is seen")
        one.pods[5].thaw()
        one.wait_healthy(30)


def passwords_and_tls(world):
    """the clients speak TLS and give passwords"""
    folder = os.path.join(world.dir, "tls")
    os.mkdir(folder)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x",
                    "-days", "2", "-keyout", "key", "-out", "crt"], cwd=folder, check=True,
                   capture_output=True)
    files = {name: open(os.path.join(folder, name), encoding="ascii").read()
             for name in ("key", "crt")}
    server = ("redis-server", "--port", "0", "--tls-port", "6379", "--tls-cert-file",
              "/etc/redis-tls/crt", "--tls-key-file", "/etc/redis-tls/key", "--tls-ca-cert-file",
              "/etc/redis-tls/crt", "--dir", "/data", "--requirepass", "pw", "--protected-mode",
              "no", "--tls-auth-clients", "no")
    template = lab.PodSpec(main=lab.Container("main", server))
    crt = os.path.join(folder, "crt")
    with plain(world, 1, template=template, secrets={"/etc/redis-tls": files},
               access=lab.Access(password="pw", ca=crt)) as one:
        one.up(30)

        def answers():
            try:
                return one.redis(0).call("PING") == "PONG"
            except lab.Unreachable:
                return False
        one.wait(answers, 10, "a server with TLS and a password")
        one.access.password = "wrong"
        try:
            one.redis(0)
            check(False, "a wrong password is refused")
        except lab.ReplyError as error:
            check("WRONGPASS" in str(error), str(error))


def a_second_lab_shares_the_network(world):
    """two StatefulSets in one network do not get in each other's way"""
    with plain(world, 2) as one, plain(world, 2, name="other", beside=one) as other:
        one.up(30)
        other.up(30)
        equal(one.pods[0].ask(other.dns.name_of("other-1"))[1], [other.pods[1].ip],
              "the other's name")
        equal(one.pods[0].run("redis-cli", "-h", other.pods[0].ip, "ping").rc, 0, "reach")


def commands_die_at_any_step(world):
    """a command is killed when it enters the nth system call of a kind"""
    with plain(world, 1) as one:
        one.up(30)
        pod = one.pods[0]
        moves = "; ".join(f"os.rename('/data/{a}', '/data/{b}')" for a, b in ("ab", "bc", "cd"))
        ends = []
        for nth in range(1, 5):
            pod.run("sh", "-c", "rm -f /data/[a-d]; touch /data/a")
            command = lab.killed_at(("/usr/bin/python3", "-c", f"import os; {moves}"),
                                    "rename,renameat,renameat2", nth)
            rc = pod.run(*command).rc
            ends.append((rc, pod.run("sh", "-c", "cd /data; echo [a-d]").out.strip()))
        equal([name for _, name in ends], list("abcd"), "how far it came")
        equal([rc != 0 for rc, _ in ends], [True, True, True, False], f"how it ended: {ends}")


def servers_can_be_chosen(world):
    """a pod's redis-server is Redis 8.0 or Valkey 8.1"""
    for name, words in (("redis-8.0", "redis_version:8.0"), ("valkey-8.1", "valkey_version:8.1")):
        with plain(world, 1, name=name.replace(".", "-"), server=lab.server(name)) as one:
            one.up(30)
            with one.redis(0) as connection:
                check(words in connection.call("INFO", "server"), words)


def pictures_tell_changes(world):
    """a picture of a tree tells content, owner, time and inode"""
    path = os.path.join(world.dir, "tree")
    os.makedirs(os.path.join(path, "sub"))
    file = os.path.join(path, "sub", "file")
    with open(file, "w", encoding="ascii") as handle:
        handle.write("one")
    before = lab.take(path)
    equal(lab.differences(before, lab.take(path)), [], "nothing changed")
    with open(file + ".new", "w", encoding="ascii") as handle:
        handle.write("one")
    os.replace(file + ".new", file)
    check(any("inode" in line for line in lab.differences(before, lab.take(path))), "replaced")


SCENARIOS = [
    cuts_cut, volumes_fail, two_families, ipv6_alone, a_cluster_is_judged, passwords_and_tls,
    a_second_lab_shares_the_network, commands_die_at_any_step, servers_can_be_chosen,
    pictures_tell_changes,
]

if __name__ == "__main__":
    lab.main(SCENARIOS)
