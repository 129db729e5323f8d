#!/usr/bin/python3
"""`ordain perms` against kills, racing processes, depth and size. PERMS_SECONDS (3) is the time of each race,
PERMS_KILLS (300) the number of kills, PERMS_ENTRIES (200000) the size of the large directory."""

import contextlib
import ctypes
import os
import random
import resource
import signal
import subprocess
import sys
import time

from common import lab
from lab import check, equal, note, syscalls
from perms_volume import ORDAIN, OWNER, Volume, look, mode, own, owner, perms, touch, wrong

SECONDS = float(os.environ.get("PERMS_SECONDS", "3"))
KILLS = int(os.environ.get("PERMS_KILLS", "300"))
ENTRIES = int(os.environ.get("PERMS_ENTRIES", "200000"))
ENVIRONMENT = {"PATH": os.environ["PATH"]}
AT_FDCWD, RENAME_EXCHANGE = -100, 2
LIBC = ctypes.CDLL(None, use_errno=True)


def exchange(one, other):
    """Two names trade places at once; failures are somebody else's move."""
    LIBC.renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE)


@contextlib.contextmanager
def meanwhile(step):
    """Calls `step` over and over in a process of its own."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        while True:
            with contextlib.suppress(OSError):
                step()
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def race(path, *words, allowed=(0, 75)):
    """Runs perms for SECONDS, each run for another owner; answers how often it ended with which status."""
    ends = {}
    until = time.monotonic() + SECONDS
    turn = 0
    while time.monotonic() < until:
        turn += 1
        answer = perms("--owner", str(OWNER + turn % 2), *words, path)
        check(answer.rc in allowed, repr(answer))
        ends[answer.rc] = ends.get(answer.rc, 0) + 1
    note(f"{turn} runs, by status: {ends}")
    return ends


@lab.timeout(1200)
def a_killed_run_starts_over(world):
    """killed at any moment: the root is right only when all is; the next run mends the rest"""
    volume = Volume(world)
    entries = volume.fill(30, 60)
    longest = 0.0
    for _ in range(5):
        own(volume.path, 0)
        begin = time.monotonic()
        equal(perms("--owner", "999", volume.path).rc, 0, "a whole run")
        longest = max(longest, time.monotonic() - begin)
    cut = 0
    seed = random.Random(999)
    for _ in range(KILLS):
        own(volume.path, 0)
        os.chmod(volume.path, 0o2770)
        with subprocess.Popen([ORDAIN, "perms", "--owner", "999", "--preset", "postgres", volume.path],
                              stdout=subprocess.DEVNULL, env=ENVIRONMENT) as child:
            time.sleep(seed.uniform(0, longest))
            child.kill()
        left = wrong(volume.path)
        cut += 0 < len(left) < entries
        right = owner(volume.path) == (999, 999) and mode(volume.path) == 0o700
        check(not right or not left, f"the root is right, these are not: {left[:5]}")
        equal(perms("--owner", "999", "--preset", "postgres", volume.path).rc, 0, "the next run")
        equal((wrong(volume.path), mode(volume.path)), ([], 0o700), "after the next run")
    note(f"{cut} of {KILLS} kills came in the midst")
    check(cut > KILLS / 20, f"only {cut} kills came in the midst")


def outside_of(volume, count=5):
    """Files beside the root on the same file system, and what they are now."""
    outside = volume.path + "/outside"
    os.mkdir(outside)
    for number in range(count):
        os.mkdir(f"{outside}/d{number}")
        for name in range(count):
            touch(f"{outside}/d{number}/f{name}")
    return outside, look(outside)


def swapped_links_lead_nowhere(world):
    """a process swaps directories and files for symbolic links during walks: nothing outside changes"""
    volume = Volume(world)
    outside, before = outside_of(volume)
    root = volume.path + "/data"
    os.mkdir(root)
    volume.fill(40, 40, "data")  # enough for a second worker
    for number in range(5):
        os.symlink(outside, f"{root}/l{number}")
        os.symlink(f"{outside}/d1/f{number}", f"{root}/s{number}")
        touch(f"{root}/x{number}")
        os.symlink(f"{outside}/d2", f"{root}/d{number}/l")
        os.mkdir(f"{root}/d{number}/deep")
        touch(f"{root}/d{number}/deep/f0")

    def swap():
        for number in range(5):
            exchange(f"{root}/d{number}", f"{root}/l{number}")
            exchange(f"{root}/s{number}", f"{root}/x{number}")
            exchange(f"{root}/d{number}/l", f"{root}/d{number}/deep")
    with meanwhile(swap):
        race(root, "--always")
        race(root, "--always", "--cross-mounts")
    equal(look(outside), before, "outside")


def swapped_hard_links_lead_nowhere(world):
    """a process swaps files for hard links to files outside: none of these changes"""
    volume = Volume(world)
    outside, _ = outside_of(volume)
    inner = volume.path + "/data"
    os.mkdir(inner)
    root = world.dir + "/place"
    os.mkdir(root)
    syscalls.mount(inner, root, "", syscalls.MS_BIND)
    for number in range(5):
        for name in range(5):
            os.link(f"{outside}/d{number}/f{name}", f"{inner}/l{number}{name}")
            touch(f"{inner}/f{number}{name}")
    before = look(outside)

    def swap():
        for number in range(5):
            for name in range(5):
                exchange(f"{inner}/l{number}{name}", f"{inner}/f{number}{name}")
    with meanwhile(swap):
        race(root, "--always", "--hardlinks=skip")
        race(root, "--always", allowed=(65, 75))
    equal({path: seen[:3] for path, seen in look(outside).items()},
          {path: seen[:3] for path, seen in before.items()}, "outside")


def moved_directories_lead_nowhere(world):
    """a process moves directories in and out of a deep tree during walks: nothing outside changes"""
    volume = Volume(world)
    outside, before = outside_of(volume)
    root = volume.path + "/data"
    os.mkdir(root)
    away, decoy = volume.path + "/away", volume.path + "/decoy"
    for path in (away, decoy):
        os.mkdir(path)
    volume.fill(40, 40, "data")  # enough for a second worker
    chain = root
    for level in range(40):
        chain += f"/{level}"
        os.mkdir(chain)
        for name in "abcdefgh":
            os.mkdir(f"{chain}/{name}")
            touch(f"{chain}/{name}/x")
    for name in "abcdefgh":  # what somebody who comes out of a moved directory would take for the tree's
        os.mkdir(f"{away}/{name}")
        touch(f"{away}/{name}/x")
    middle = root + "".join(f"/{level}" for level in range(20))
    lower = middle + "".join(f"/{level}" for level in range(20, 30))

    def move():
        os.rename(lower, away + "/lower")
        os.rename(middle, away + "/middle")
        os.rename(away + "/middle", middle)
        os.rename(away + "/lower", lower)
        exchange(middle, decoy)
        exchange(middle, decoy)
    with meanwhile(move):
        race(root, "--always")
    equal(look(outside), before, "outside")
    equal([owner(away)] + [owner(f"{away}/{name}/x") for name in "abcdefgh"], [(0, 0)] * 9, "beside the tree")


def a_live_volume_is_no_failure(world):
    """files and directories come and go during walks"""
    volume = Volume(world)
    volume.fill(5, 50)

    def churn():
        for number in range(20):
            os.makedirs(f"{volume.path}/d{number % 5}/new/a/b/c", exist_ok=True)
            touch(f"{volume.path}/d{number % 5}/new/a/b/c/f")
            os.rename(f"{volume.path}/d{number % 5}/f{number}", f"{volume.path}/d{number % 5}/g{number}")
            os.rename(f"{volume.path}/d{number % 5}/g{number}", f"{volume.path}/d{number % 5}/f{number}")
            os.unlink(f"{volume.path}/d{number % 5}/new/a/b/c/f")
            os.removedirs(f"{volume.path}/d{number % 5}/new/a/b/c")
    with meanwhile(churn):
        race(volume.path, "--always", allowed=(0,))
    equal(perms("--owner", "999", "--always", volume.path).rc, 0, "afterwards")
    equal(wrong(volume.path), [], "still wrong")


def two_at_once_agree(world):
    """two runs at once on one volume both succeed"""
    volume = Volume(world)
    volume.fill(20, 100)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        own(volume.path, 0)
        command = [ORDAIN, "perms", "--owner", "999", volume.path]
        both = [subprocess.Popen(command, stdout=subprocess.DEVNULL, env=ENVIRONMENT) for _ in range(2)]
        equal([child.wait() for child in both], [0, 0], "statuses")
        equal(wrong(volume.path), [], "still wrong")


@lab.timeout(600)
def ten_thousand_levels(world):
    """10,000 levels with 64 descriptors, on ext4 and tmpfs, with one processor and two"""
    for kind in ("ext4", "tmpfs"):
        volume = Volume(world, kind, kind, size_mib=256, inodes=50000)
        here = os.open(".", os.O_RDONLY)
        os.chdir(volume.path)
        for level in range(10000):
            os.mkdir("d")
            if level % 100 == 0:
                os.mkdir("side")
                os.mkdir("a")
                touch("side/file")
            os.chdir("d")
        os.fchdir(here)
        for prefix in (("taskset", "--cpu-list", "0"), ()):
            for uid in ("999", "998"):
                begin = time.monotonic()
                answer = perms("--owner", uid, volume.path, prefix=prefix,
                               before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
                equal(answer.rc, 0, repr(answer))
                check("10301 entries, 10301 changed" in answer.out, answer.out)
            note(f"{kind}, {prefix}: {time.monotonic() - begin:.2f} s, {answer.out.strip()}")
            answer = perms("--owner", "998", "--check", "--always", volume.path)
            equal(answer.rc, 0, repr(answer))
        os.chown(volume.path + "/d" * 900, 0, 0)
        answer = perms("--owner", "998", "--check", "--always", volume.path)
        check("1 wrong ('.../d/d" in answer.out, f"a long path is cut at its front: {answer}")


def peak_kib(pid):
    """The most memory that a process had, 0 once it has ended."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return sum(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    return 0


@lab.timeout(600)
def a_large_directory(world):
    """a directory of very many files, in little memory"""
    volume = Volume(world, kind="tmpfs", size_mib=1024, inodes=ENTRIES + 1000)
    os.mkdir(volume.path + "/large")
    for number in range(ENTRIES):
        touch(f"{volume.path}/large/{number}")
    begin = time.monotonic()
    most = 0
    with subprocess.Popen([ORDAIN, "perms", "--owner", "999", volume.path], stdout=subprocess.PIPE, text=True,
                          env=ENVIRONMENT) as child:
        while child.poll() is None:
            most = max(most, peak_kib(child.pid))
            time.sleep(0.005)
        out = child.stdout.read()
    equal(child.returncode, 0, out)
    check(f"{ENTRIES + 2} entries, {ENTRIES + 2} changed" in out, out)
    note(f"{out.strip()}; {time.monotonic() - begin:.2f} s, {most} KiB at most")
    check(0 < most < 4096, f"{most} KiB")
    check("0 wrong" in perms("--owner", "999", "--check", "--always", volume.path).out, "all right")


SCENARIOS = [a_killed_run_starts_over, swapped_links_lead_nowhere, swapped_hard_links_lead_nowhere,
             moved_directories_lead_nowhere, a_live_volume_is_no_failure, two_at_once_agree, ten_thousand_levels,
             a_large_directory]

if __name__ == "__main__":
    sys.exit(lab.main(SCENARIOS, needs=(ORDAIN, "/usr/sbin/mkfs.ext4")))
