#!/usr/bin/python3
"""The lab proves itself: containers, names, kubelet, controller, size, what it leaves behind."""

import os
import signal
import subprocess
import time

from common import TESTS, lab, plain, resolve, until_resolves
from lab import check, equal, note
from lab import world as worlds


def containers_are_as_kubernetes_makes_them(world):
    """a container has pid 1, its own host name, addresses, environment, mounts, rights"""
    os.environ["LEAK"] = "yes"
    with plain(world, 1, secrets={"/etc/redis-secret": {"password": "s3cret\n"}}) as one:
        one.up(30)
        pod = one.pods[0]
        script = ("id -u; id -G; hostname; ls /proc | grep -c '^[0-9]'; cat /proc/1/comm; "
                  "grep -E '^(NoNewPrivs|CapBnd)' /proc/self/status; "
                  "cat /etc/redis-secret/password")
        words = pod.run("sh", "-c", script).out.split()
        check(int(words[3]) <= 12, f"a container sees only its own processes: {words[3]}")
        del words[3]
        equal(words, ["999", "999", "redis-0", "redis-server", "CapBnd:", "0" * 16,
                      "NoNewPrivs:", "1", "s3cret"], "what a container sees")
        equal(pod.run("sh", "-c", "cat /sys/class/net/eth0/address; ls /root /mnt /home").rc, 2,
              "nothing of the machine is there")
        leaked = pod.run("env").out
        check("LEAK" not in leaked and "POD_IP=" + pod.ip in leaked, f"environment: {leaked}")
        for path in ("/usr/x", "/x", "/etc/x", "/etc/redis-secret/x"):
            check(pod.run("touch", path, uid=0).rc != 0, f"{path} must be read-only")
        for path in ("/data/x", "/tmp/x", "/etc/redis/x", "/ordain/bin/x", "/register/x"):
            equal(pod.run("touch", path).rc, 0, f"touch {path}")
        equal(pod.run_init("id", "-u").out, "999\n", "rights of init")
        caps = lab.user(0, caps=("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETUID", "SETGID"))
        result = pod.life.execute(["grep", "CapEff", "/proc/self/status"], container=caps)
        equal(result.out.split()[1], "00000000000000cb", "the five capabilities")
        job = one.job("sh", "-c", "env; hostname; getent hosts redis-0.redis; cat >/etc/redis/x")
        check("POD_NAME=" not in job.out and "ORDAIN_STATEFULSET=redis" in job.out, repr(job))
        check(pod.ip in job.out, f"a job resolves pods: {job!r}")


def names_follow_the_pods(world):
    """names resolve, follow a pod to its new address, and lag as told"""
    template = lab.plain()
    template.readiness.period_s = 0.2
    with plain(world, template=template) as one:
        one.up(30)
        first, second, third = one.pods
        until_resolves(first, "redis-1", [second.ip])
        equal(first.ask(one.dns.zone()), ("NOERROR", sorted(pod.ip for pod in one.pods)),
              "the service's name")
        equal(first.ask(one.dns.name_of("redis-7")), ("NXDOMAIN", []), "a name that is not there")
        equal(first.ask(one.dns.name_of("redis-1"), "AAAA"), ("NOERROR", []), "no such address")
        by_libc = first.run("getent", "hosts", "redis-1.redis").out.split()
        equal(by_libc[0], second.ip, "a short name, by the C library and the search list")
        old, first_ip = second.ip, first.ip
        second.recreate()
        second.wait_ready()
        check(second.ip != old, "a recreated pod has a new address")
        until_resolves(first, "redis-1", [second.ip])
        one.dns.delay_s, one.dns.stale_s = 0.2, 4.0
        old = second.ip
        second.recreate()
        second.wait_ready()
        equal(resolve(first, "redis-1"), [old], "a stale record")
        until_resolves(first, "redis-1", [second.ip])
        one.dns.lie("redis-2", [first_ip])
        until_resolves(first, "redis-2", [first_ip])
        one.dns.truth("redis-2")
        until_resolves(first, "redis-2", [third.ip])
        one.swap(first, third)
        one.wait_ready(30)
        equal(third.ip, first_ip, "swapped addresses")
        with one.redis(2) as connection:
            equal(connection.call("PING"), "PONG", "a swapped address works")


def dns_fails_in_every_way(world):
    """the DNS answers SERVFAIL, REFUSED, NXDOMAIN, nothing; a pod is cut off from it"""
    with plain(world, 2) as one:
        one.up(30)
        pod, server = one.pods[0], one.dns.server

        def status():
            return pod.ask(one.dns.name_of("redis-1"))[0]
        equal(status(), "NOERROR", "well")
        for mode in ("servfail", "refused", "nxdomain"):
            server.ill(mode)
            equal(status(), mode.upper(), mode)
        server.well()
        equal(status(), "NOERROR", "well again")
        server.stop()
        equal(status(), "SILENCE", "stopped")
        server.go_on()
        equal(status(), "NOERROR", "going on")
        with one.cut(pod, "dns"):
            equal(status(), "SILENCE", "cut off")
        equal(status(), "NOERROR", "healed")
        check(server.queries("redis-1") >= 3, "queries are counted")


def ordered_ready_keeps_order(world):
    """OrderedReady creates a pod when the lower ones are ready, and removes the highest first"""
    with plain(world, 3, "OrderedReady") as one:
        one.pods[1].close_gate("main")
        one.start()
        one.wait(lambda: one.pods[1].at_gate("main"), 10, "pod 1 starts")
        check(one.pods[0].ready, "pod 0 is ready before pod 1 exists")
        time.sleep(0.3)
        equal(one.pods[2].phase, "Absent", "pod 2 while pod 1 is not ready")
        one.pods[1].open_gate("main")
        one.wait_ready(30)
        begins = [pod.events[0][0] for pod in one.pods]
        readies = [next(when for when, what in pod.events if what == "ready") for pod in one.pods]
        check(begins[1] >= readies[0] and begins[2] >= readies[1], f"{begins} {readies}")
        one.scale(1)
        one.wait_ready(30)
        gone = [pod.events[-1] for pod in one.pods[1:]]
        check(all(what == "deleted" for _, what in gone) and gone[0][0] > gone[1][0], f"{gone}")
        one.scale(4)
        one.wait_ready(30)
        one.restart_all()
        one.wait(lambda: one.pods[0].ready, 10, "pod 0 is back")
        one.wait_ready(30)
        equal([pod.lives for pod in one.pods], [2, 3, 3, 2], "lives")


def parallel_starts_all(world):
    """Parallel creates all pods at once"""
    with plain(world, 4) as one:
        for pod in one.pods:
            pod.close_gate("main")
        one.start()
        for pod in one.pods:
            one.wait(lambda pod=pod: pod.at_gate("main"), 10, f"{pod.name} starts")
        for pod in one.pods:
            pod.open_gate("main")
        one.wait_ready(30)


def kubelet_restarts_and_reports(world):
    """init is retried, main is restarted without init, messages and exit codes are kept"""
    script = ("echo try >>/data/tries; echo told >/dev/termination-log; sleep 0.1; "
              "test -e /data/go || exit 75")
    template = lab.PodSpec(
        init=(lab.Container("init", ("sh", "-c", script)),),
        main=lab.Container("main", ("sh", "-c", "echo up; exec sleep 1000")),
        readiness=lab.Probe(("true",)), grace_s=0.5)
    with plain(world, 1, template=template) as one:
        pod = one.pods[0]
        one.start()
        one.wait(lambda: pod.restarts["init"] >= 2, 10, "init is retried")
        equal(pod.phase, "Init", "phase")
        with open(pod.volume.file("go"), "w", encoding="ascii"):
            pass
        pod.wait_ready(10)
        equal(pod.exit_codes["init"][-2:], [75, 0], "exit codes of init")
        equal(pod.termination["init"], "told\n", "termination message")
        tries = len(pod.exit_codes["init"])
        check(pod.kill(), "main runs")
        one.wait(lambda: pod.restarts["main"] == 1 and pod.ready, 10, "main is back")
        equal(len(pod.exit_codes["init"]), tries, "init is not run for a restart of main")
        old, mark = pod.ip, os.path.join(pod.config, "mark")
        with open(mark, "w", encoding="ascii"):
            pass
        pod.reboot()
        pod.wait_ready(10)
        check(pod.ip != old and os.path.exists(mark), "a reboot: new address, same emptyDir")
        equal(len(pod.exit_codes["init"]), tries, "init is not run after a reboot")
        pod.crash("init", 0.01)
        pod.recreate(keep_volume=False)
        one.wait(lambda: -9 in pod.exit_codes["init"], 10, "init is killed")
        check(not os.path.exists(pod.volume.file("go")), "the volume was lost")
        check(not os.path.exists(os.path.join(pod.config, "mark")), "the emptyDir is a new one")


def probes_judge(world):
    """a stopped server becomes unready, is killed by its liveness probe, and comes back"""
    template = lab.plain()
    template.liveness.period_s = 0.5
    template.grace_s = 0.5
    with plain(world, 2, template=template) as one:
        one.up(30)
        pod = one.pods[0]
        pid = pod.life.main_process().pid
        pod.freeze()
        one.wait(lambda: not pod.ready, 15, "not ready while frozen")
        one.wait(lambda: pod.restarts["main"] == 1, 15, "killed by the liveness probe")
        check(any("liveness probe failed" in what for _, what in pod.events), str(pod.events))
        equal(pod.exit_codes["main"], [-9], "how it ended")
        pod.wait_ready(15)
        check(pod.life.main_process().pid != pid, "it is another process")
        equal(one.pods[1].restarts["main"], 0, "restarts of the other pod")


def only_ready_pods_are_published(world):
    """without publishNotReadyAddresses a pod's name appears when it is ready"""
    with plain(world, 2, publish_not_ready=False) as one:
        one.pods[1].close_gate("main")
        one.start()
        one.pods[0].wait_ready(10)
        one.wait(lambda: one.pods[1].at_gate("main"), 10, "pod 1 starts")
        equal(resolve(one.pods[0], "redis-1"), [], "before it is ready")
        one.pods[1].open_gate("main")
        one.pods[1].wait_ready(10)
        until_resolves(one.pods[0], "redis-1", [one.pods[1].ip])


def sixty_pods(world):
    """sixty pods are there within seconds"""
    begin = time.monotonic()
    template = lab.plain()
    template.readiness.period_s = 2.0
    with plain(world, 60, template=template) as one:
        one.up(60)
        up = time.monotonic() - begin
        note(f"60 pods ready after {up:.1f} s")
        check(up < 20, f"60 pods took {up:.1f} s")
        begin = time.monotonic()
        one.restart_all(force=True)
        one.wait_ready(60)
        note(f"60 pods at new addresses after {time.monotonic() - begin:.1f} s")


CHILD = """
import os, sys
sys.path.insert(0, {tests!r})
import lab
def main(world):
    with lab.Lab(world, template=lab.plain(), replicas=3, fs_group=True) as one:
        one.up(30)
        print(world.dir, os.readlink("/proc/self/ns/pid"), flush=True)
        one.wait(lambda: False, 60, "the end")
sys.exit(lab.run(main))
"""


def _spaces(space):
    """The processes in a pid namespace or in one below it (their parents are in it)."""
    found = set()
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{entry}/ns/pid") == space:
                found.add(entry)
        except OSError:
            continue
    return found


def _killed_with(number, victim):
    """Starts a lab in a child, ends its keeper, its pid 1 or its runner with a signal, looks for
    what is left."""
    with subprocess.Popen(["/usr/bin/python3", "-c", CHILD.format(tests=TESTS)],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        directory, space = child.stdout.readline().split()
        check(_spaces(space), "the world runs")
        inside = sorted(int(pid) for pid in _spaces(space))
        os.kill({"keeper": child.pid, "pid 1": inside[0], "runner": inside[1]}[victim], number)
        child.wait(30)
        deadline = time.monotonic() + 10
        while _spaces(space) and time.monotonic() < deadline:
            time.sleep(0.05)
    equal(_spaces(space), set(), f"processes after signal {number} to the {victim}")
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        check(directory not in mounts.read(), "mounts are gone")
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    check("vdns" not in links and "v1-" not in links, links)
    return directory


def nothing_is_left_behind(_world):
    """nothing is left when the lab is interrupted or killed"""
    for number, victim in ((signal.SIGTERM, "keeper"), (signal.SIGKILL, "runner"),
                           (signal.SIGKILL, "pid 1"), (signal.SIGKILL, "keeper")):
        directory = _killed_with(number, victim)
        if victim == "keeper" and os.path.exists(directory):
            equal(os.listdir(directory), [], "the mount point")
            worlds._sweep()  # what the next run does first; pylint: disable=protected-access
        check(not os.path.exists(directory), f"{directory} after signal {number} to the {victim}")


DYING = """
import sys
sys.path.insert(0, {tests!r})
import os, lab
def main(world):
    held, _write = os.pipe()
    for _ in range(60):
        world.spawner.spawn({{"argv": ["/bin/cat"], "env": {{}}}}, [held, 1, 2])
    return 7
sys.exit(lab.run(main))
"""


def the_runner_s_word_is_the_last(_world):
    """a world ends as its runner said, also when sixty processes die with the runner"""
    for _ in range(10):
        done = subprocess.run(["/usr/bin/python3", "-c", DYING.format(tests=TESTS)], text=True,
                              capture_output=True, timeout=60, check=False)
        equal((done.returncode, done.stderr), (7, ""), "the end of a world")


SCENARIOS = [
    containers_are_as_kubernetes_makes_them, names_follow_the_pods, dns_fails_in_every_way,
    ordered_ready_keeps_order, parallel_starts_all, kubelet_restarts_and_reports, probes_judge,
    only_ready_pods_are_published, sixty_pods, nothing_is_left_behind,
    the_runner_s_word_is_the_last,
]

if __name__ == "__main__":
    lab.main(SCENARIOS)
