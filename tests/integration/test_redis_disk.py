#!/usr/bin/python3
"""Full and read-only disks, bad files: one line, the right status, nothing torn; then it works."""

import os

from common import lab, ordain
from lab import check, equal, note
from redis_kills import bench, go_on
from redis_proofs import born, says, whole

PAGE = 4096


def one_error(result, code, *patterns):
    """Exactly one line tells the failure."""
    says(result, code, *patterns)
    told = [line for line in result.err.splitlines() if line.startswith("ordain: ")]
    equal(len(told), 1, f"lines that tell the failure in {result!r}")


def files_of(directory):
    """{name: content} of what init writes; temporary files count as torn."""
    found = {}
    for name in os.listdir(directory):
        if name != ".filler" and os.path.isfile(os.path.join(directory, name)):
            with open(os.path.join(directory, name), "rb") as file:
                found[name] = file.read()
    return found


def register_gone(one):
    """As before the birth."""
    for name in os.listdir(one.register):
        os.unlink(os.path.join(one.register, name))


def walk_full(one, pod, disk, directory, wanted):
    """init with DISK filled up but for 0, 1, 2, ... pages, until it succeeds."""
    for pages in range(100):
        register_gone(one)
        pod.volume.clear()
        disk.clear()
        disk.fill(leave=pages * PAGE)
        result = pod.run_init()
        if result.rc == 0:
            break
        one_error(result, 74, "[Nn]o space left")
        for name, content in files_of(directory).items():
            check(name in wanted, f"{name} with {pages} pages is left behind")
            check(name == "ordain.birth" or content == wanted[name],
                  f"{name} is torn with {pages} pages")
        disk.unfill()
        result = pod.run_init()
        equal(result.rc, 0, f"after space was made: {result!r}")
        equal(files_of(directory), wanted, f"files after space was made, {pages} pages")
    note(f"{directory} full: {pages} times 74")
    check(pages > 1, "the walk met several writes")


def full_volume(world):
    """a volume that is full at every write of init: 74, nothing torn, and it works with space"""
    with bench(world, volume_size="1m") as one:
        pod = one.pods[0]
        equal(pod.run_init().rc, 0, "init with space")
        wanted = files_of(pod.volume.path)
        equal(set(wanted), {"nodes.conf", "nodes.conf.ordain", "ordain.birth"}, "files")
        walk_full(one, pod, pod.volume, pod.volume.path, wanted)
        pod.volume.clear()
        register_gone(one)
        go_on(one)
        one.wait_ready(90)
        one.wait_healthy(60)


def full_config(world):
    """a config directory that is full at every write: 74, nothing torn, and it works with space"""
    disk = lab_volume(world)
    with bench(world, binds=[(disk.path, "/small", False)],
               env={"ORDAIN_CONFIG_DIR": "/small"}) as one:
        pod = one.pods[0]
        equal(pod.run_init().rc, 0, "init with space")
        wanted = files_of(disk.path)
        check({"redis.conf", "role", "ordain.env"} <= set(wanted), f"files {set(wanted)}")
        walk_full(one, pod, disk, disk.path, wanted)


def lab_volume(world):
    """A small disk of its own, for everybody."""
    disk = lab.volume.Volume(world, "small", "256k")
    os.chmod(disk.path, 0o777)
    return disk


def read_only(world):
    """a read-only volume, new or of a born pod: one line, then it works"""
    with bench(world) as one:
        pod = one.pods[0]
        pod.volume.read_only()
        one_error(pod.run_init(), 74, "[Rr]ead-only")
        equal(os.listdir(one.register), [], "the register knows of no birth")
        pod.volume.read_only(False)
        equal(pod.run_init().rc, 0, "init")
        pod.volume.read_only()
        result = pod.run_init("ordain", "init", "redis", env={"POD_IP": pod.ip})
        check(result.rc in (0, 74), f"on what is right already: {result!r}")
        pod.volume.read_only(False)
        go_on(one)
        one.wait_ready(90)
        one.wait_healthy(60)
        one.write_keys(100)
        one.check_keys(100)


def variants(text):
    """{name: (content, statuses)} of files in the place of nodes.conf."""
    lines = text.splitlines(keepends=True)
    own = next(line for line in lines if "myself" in line)
    other = next(line for line in lines if "myself" not in line and "vars" not in line)
    torn = text[:text.index("myself") + 3]
    return {
        "empty": ("", {0}), "newlines": ("\n\n\n", {0}), "torn": (torn, {0}),
        "two myself": (text.replace(other, other.replace(" master", " myself,master")
                                    .replace(" slave", " myself,slave")), {0, 65}), # by their order
        "unknown aux": (text.replace(own, own.replace(" myself", ",,new-thing=1 myself", 1)), {0}),
        "garbage": (os.urandom(5000).decode("latin-1"), {0}),
        "NUL": ("\0" * 4096, {0}),
        "10 MiB": ("x" * (10 << 20), {65, 74, 78, 0}),
    }


def bad_tables(world):
    """nodes.conf empty, torn, of two selves, unknown words, garbage, 10 MiB: mended or refused"""
    with ordain(world) as one:
        born(one)
        pod = one.pods[4]
        own_id = one.node_of(4).id
        pod.close_gate("init")
        pod.recreate()
        one.wait(lambda: pod.at_gate("init"), 30, "init waits")
        path = pod.volume.file("nodes.conf")
        with open(path, encoding="ascii") as file:
            good = file.read()
        for name, (content, statuses) in variants(good).items():
            with open(path, "w", encoding="latin-1") as file:
                file.write(content)
            result = pod.run_init(timeout_s=30)
            check(result.rc in statuses, f"{name}: {result!r}")
            note(f"{name}: {result.rc} {result.err.strip().splitlines()[-1]}")
            if result.rc:
                one_error(result, result.rc, "nodes.conf")
                equal(os.path.getsize(path), len(content), f"{name}: the file stays as it is")
                continue
            with open(path, encoding="ascii") as file:
                mended = file.read()
            equal(mended.count("myself"), 1, f"{name}: {mended}")
            check(f"{own_id} {pod.ip}:6379" in mended, f"{name}: {mended}")
        with open(path, "w", encoding="ascii") as file:
            file.write(good)
        pod.open_gate("init")
        whole(one)


def bad_registers(world):
    """a register that is garbage, of another format or cluster, gone or closed: never a birth"""
    with bench(world) as one:
        pod = one.pods[0]
        equal(pod.run_init().rc, 0, "init")
        name = os.listdir(one.register)
        path = os.path.join(one.register, next(n for n in name if not n.startswith(".")))
        pod.volume.clear()
        for content, code in (("garbage without an equals sign\n", 78), ("", 78),
                              ("format=99\ncluster-id=default/redis\n", 78),
                              ("format=1\ncluster-id=default/other\n", 65),
                              (os.urandom(3000).decode("latin-1"), 78)):
            with open(path, "w", encoding="latin-1") as file:
                file.write(content)
            one_error(pod.run_init(), code, "register")
            with open(path, encoding="latin-1", newline="") as file:
                equal(file.read(), content, "the register stays as it is")
        one_error(pod.run_init(env={"ORDAIN_REGISTER": "file:/nowhere"}), 78, "/nowhere")
        equal(files_of(pod.volume.path), {}, "the volume stays empty")
        os.unlink(path)
        go_on(one)
        one.wait_ready(90)
        one.wait_healthy(60)


SCENARIOS = [full_volume, full_config, read_only, bad_tables, bad_registers]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
