#!/usr/bin/python3
"""`ordain perms` on real file systems: what it mends, what it leaves alone, what it says."""

import errno
import json
import os
import resource
import socket
import stat
import subprocess
import sys

from common import lab
from lab import check, equal, syscalls
from perms_volume import (INIT_CAPS, ORDAIN, OWNER, Volume, as_user, capability_bytes, look, mode, own, owner,
                          perms, run, set_immutable, touch, with_caps, without, wrong)


def everything_is_mended_and_a_second_run_does_nothing(world):
    """a new volume is mended, and a second run ends at its root"""
    volume = Volume(world)
    entries = volume.fill()
    first = perms("--owner", "999:1000", volume.path)
    equal(first.rc, 0, repr(first))
    check(first.out.startswith(f"{volume.path}: {entries} entries, {entries} changed, 1 left alone"), first.out)
    equal(wrong(volume.path, 999, 1000), [], "still wrong")
    equal(owner(volume.path + "/lost+found"), (0, 0), "lost+found")
    before = look(volume.path)
    second = perms("--owner", "999:1000", volume.path)
    equal((second.rc, second.out), (0, f"{volume.path}: right\n"), "the second run")
    equal(look(volume.path), before, "after the second run")


def a_walk_over_what_is_right_writes_nothing(world):
    """a full walk over what is right writes not one byte, access times included"""
    volume = Volume(world)
    entries = volume.fill()
    equal(perms("--owner", "999", volume.path).rc, 0, "the first run")
    before = volume.written()  # and nobody reads a directory before the second run: that would renew its access time
    again = perms("--owner", "999", "--always", volume.path)
    check(f"{entries} entries, 0 changed" in again.out, again.out)
    equal(volume.written(), before, "bytes written")
    before = look(volume.path)
    equal(perms("--owner", "999", "--always", volume.path).rc, 0, "a third run")
    equal(look(volume.path), before, "owners, modes, change times")


def only_what_is_wrong_is_written(world):
    """setuid bits and file capabilities of what is right survive, one wrong entry is found"""
    volume = Volume(world, kind="ext4")
    volume.fill()
    own(volume.path, OWNER)
    tool = volume.path + "/d3/tool"
    capable = volume.path + "/d3/capable"
    for path in (tool, capable):
        touch(path)
        os.chown(path, OWNER, OWNER)
    os.chmod(tool, 0o6755)
    os.setxattr(capable, "security.capability", capability_bytes())
    os.chown(volume.path + "/d7/f3", 0, OWNER)
    os.chown(volume.path, 0, 0)
    before = look(volume.path)
    answer = perms("--owner", "999", volume.path)
    check("2 changed" in answer.out, answer.out)
    changed = {path for path, seen in look(volume.path).items() if seen != before[path]}
    equal(changed, {os.fsencode(volume.path) + tail for tail in (b"/.", b"/d7/f3")}, "what was written")
    equal(mode(tool), 0o6755, "mode of the tool")
    equal(os.getxattr(capable, "security.capability"), capability_bytes(), "file capabilities")


def large_volumes_are_mended_with_the_same_care(world):
    """after thousands of wrong files: right files, mounts, devices and hard links are still seen"""
    volume = Volume(world, size_mib=128, inodes=60000)
    # one of each in a directory of its own, so that nothing but wrong files comes before it; the order is by hash
    plain = [f"{volume.path}/plain{number}" for number in range(6)]
    right = [f"{volume.path}/right{number}" for number in range(6)]
    mixed = volume.path + "/mixed"
    for directory in (*plain, *right, mixed):
        volume_fill(directory, 2500)
    kept = [f"{directory}/777" for directory in right] + [f"{mixed}/{number}" for number in range(2500) if number % 8]
    for path in (*right, *kept):
        os.chown(path, 999, 999)
    for path in kept:
        os.chmod(path, 0o4755)
    for directory in plain:
        os.mknod(f"{directory}/device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    answer = perms("--owner", "999", volume.path)
    equal(answer.rc, 0, repr(answer))
    equal([path for path in kept if mode(path) != 0o4755], [], "setuid bits lost")
    devices = sorted(os.fsencode(directory + "/device") for directory in plain)
    equal(wrong(volume.path), devices, "devices, which are left alone")
    run(["rm", "-r", mixed, *right])
    other = Volume(world, "other")
    for number, directory in enumerate(plain):
        touch(f"{other.path}/{number}")
        os.unlink(directory + "/device")
        syscalls.mount(f"{other.path}/{number}", f"{directory}/777", "", syscalls.MS_BIND)
    own(volume.path, 0)
    equal(perms("--owner", "999", volume.path).rc, 0, "with mounts in it")
    equal([owner(f"{other.path}/{number}") for number in range(6)], [(0, 0)] * 6, "files that are mounted in it")
    for directory in plain:
        syscalls.umount(f"{directory}/777")
        os.link(f"{directory}/77", f"{directory}/link")
    own(volume.path, 0)
    equal(perms("--owner", "999", "--hardlinks=skip", volume.path).rc, 0, "with hard links in it")
    linked = sorted(os.fsencode(f"{directory}/{name}") for directory in plain for name in ("77", "link"))
    equal(wrong(volume.path), linked, "left alone")


def volume_fill(directory, files):
    """A directory of that many files."""
    os.mkdir(directory)
    for number in range(files):
        touch(f"{directory}/{number}")


def a_check_changes_nothing(world):
    """--check changes nothing, counts, ends with 1 and prints YAML that is one document"""
    volume = Volume(world)
    entries = volume.fill()
    before = look(volume.path)
    answer = perms("--owner", "999", "--check", volume.path)
    equal(answer.rc, 1, repr(answer))
    check(f"{entries} entries, {entries} wrong" in answer.out and "fsGroup: 999" in answer.out, answer.out)
    check("add: [CHOWN, DAC_OVERRIDE, FOWNER" in answer.out, answer.out)
    equal(look(volume.path), before, "after the check")
    equal(perms("--owner", "999", volume.path).rc, 0, "mended")
    equal(perms("--owner", "999", "--check", "--always", volume.path).rc, 0, "the check of the mended")
    answer = perms("--owner", "998", "--check", "--output", "json", volume.path)
    told = json.loads(answer.out)
    equal((told["right"], told["wrong"], told["owner"]), (False, entries, "998:998"), "as JSON")


def an_ordinary_user_is_told_what_to_do(world):
    """without rights: 77 with the securityContext; --check finds fsGroup's work right"""
    volume = Volume(world, kind="tmpfs")
    volume.fill()
    answer = perms("--owner", "999", volume.path, prefix=as_user(999))
    equal(answer.rc, 77, repr(answer))
    check("fsGroup: 999" in answer.err and "CHOWN, DAC_OVERRIDE, FOWNER" in answer.err, answer.err)
    answer = perms("--check", volume.path, prefix=as_user(999))
    equal(answer.rc, 1, repr(answer))
    check("runAsUser: 999" in answer.out, answer.out)
    own(volume.path, 0, 2000)  # what the kubelet makes of fsGroup: 2000
    for directory, _, files in os.walk(volume.path):
        os.chmod(directory, 0o2775)
        for name in files:
            os.chmod(os.path.join(directory, name), 0o664)
    member = as_user(999, 999, groups=(2000,))
    answer = perms("--check", "--always", volume.path, prefix=member)
    equal(answer.rc, 0, repr(answer))
    os.chmod(volume.path + "/d1/f1", 0o600)
    answer = perms("--check", "--always", volume.path, prefix=member)
    equal(answer.rc, 1, "a file that the group cannot read")
    check("/d1/f1" in answer.out, answer.out)
    os.chmod(volume.path + "/d1", 0o700)
    answer = perms("--check", "--always", volume.path, prefix=member)
    check("1 wrong" in answer.out and "/d1'" in answer.out, f"a directory that cannot be entered: {answer}")
    equal(perms("--owner", "999", volume.path, prefix=as_user(999)).rc, 77, "nothing was mended")


def the_capabilities_of_the_documentation_suffice(world):
    """CHOWN, DAC_OVERRIDE, FOWNER suffice, first and again; CHOWN alone for what is right"""
    volume = Volume(world)
    volume.fill()
    for directory, _, _ in os.walk(volume.path):
        os.chmod(directory, 0o700)
    rights = with_caps(*INIT_CAPS)
    for uid in (999, 70):
        answer = perms("--owner", str(uid), volume.path, prefix=rights)
        equal(answer.rc, 0, repr(answer))
        equal(wrong(volume.path, uid), [], f"still wrong for {uid}")
    before = volume.written()
    equal(perms("--owner", "70", "--always", volume.path, prefix=rights).rc, 0, "again")
    equal(volume.written(), before, "bytes written again")
    equal(perms("--owner", "70", volume.path, prefix=with_caps("CHOWN")).rc, 0, "CHOWN alone, right")
    answer = perms("--owner", "999", volume.path, prefix=with_caps("CHOWN"))
    equal(answer.rc, 77, repr(answer))
    check("DAC_OVERRIDE" in answer.err, answer.err)
    own(volume.path, 0)
    answer = perms("--owner", "999", volume.path, prefix=with_caps("CHOWN"))
    equal(answer.rc, 0, f"CHOWN alone, root's own: {answer}")
    equal(wrong(volume.path), [], "still wrong")


def pgdata_gets_its_mode_back(world):
    """postgres: PGDATA back to 0700, an exact 0750 stays, modes below stay, setgid goes"""
    volume = Volume(world)
    pgdata = volume.path + "/pgdata"
    for before, after in ((0o2770, 0o700), (0o750, 0o750), (0o2750, 0o700), (0o777, 0o700), (0o500, 0o700),
                          (0o700, 0o700), (0o1750, 0o700)):
        run(["rm", "-rf", pgdata])
        os.mkdir(pgdata)
        touch(pgdata + "/PG_VERSION")
        os.mkdir(pgdata + "/base")
        os.chmod(pgdata + "/base", 0o2770)
        os.chmod(pgdata + "/PG_VERSION", 0o660)
        for uid in (0, 999):
            own(pgdata, uid)
            os.chmod(pgdata, before)
            answer = perms("--preset", "postgres", pgdata, prefix=with_caps(*INIT_CAPS))
            equal(answer.rc, 0, repr(answer))
            equal((mode(pgdata), owner(pgdata)), (after, (999, 999)), f"PGDATA that was {before:o} of {uid}")
            equal((mode(pgdata + "/base"), mode(pgdata + "/PG_VERSION")), (0o2770, 0o660), "modes below")
            equal(perms("--preset", "postgres", pgdata).out, f"{pgdata}: right\n", "the second run")
    os.chmod(pgdata, 0o2770)
    answer = perms("--preset", "postgres", pgdata, prefix=as_user(999))
    equal((answer.rc, mode(pgdata)), (0, 0o700), f"by the owner without a capability: {answer}")


def the_owner_comes_from_the_volume(world):
    """--preset: the volume's own owner, else the official images', known by the group"""
    cases = [("redis", 0, 0, "999:999"), ("redis", 0, 1000, "999:1000"), ("redis", 0, 2000, "999:2000"),
             ("redis", 999, 1000, "999:1000"), ("redis", 1001, 0, "1001:0"), ("postgres", 0, 0, "999:999"),
             ("postgres", 0, 70, "70:70"), ("postgres", 70, 70, "70:70"), ("postgres", 0, 999, "999:999")]
    volume = Volume(world, kind="tmpfs")
    for preset, uid, gid, expected in cases:
        os.chown(volume.path, uid, gid)
        answer = perms("--preset", preset, volume.path)
        equal(answer.rc, 0, repr(answer))
        equal("{}:{}".format(*owner(volume.path)), expected, f"{preset} on {uid}:{gid}")
    os.chown(volume.path, 0, 0)
    answer = perms(volume.path)
    equal(answer.rc, 78, f"nobody is told: {answer}")
    check("--owner" in answer.err, answer.err)
    os.chown(volume.path, 1234, 0)
    touch(volume.path + "/x")
    equal(perms("--always", volume.path).rc, 0, "the volume's own owner")
    equal(owner(volume.path + "/x"), (1234, 0), "owner of what is in it")
    for text in ("999:", ":999", "-1", "redis", "4294967295", "1:4294967295", "99999999999", "0x10", "010",
                 "1:2:3", "1 ", ""):
        rc = perms("--owner=" + text, volume.path).rc
        check(rc in ((78, 64) if text else (0, 64, 78)), f"--owner={text}: {rc}")


def links_are_changed_and_never_followed(world):
    """symbolic links: the link itself, never what it names; dangling and looping ones too"""
    volume = Volume(world)
    outside = Volume(world, "outside")
    outside.fill(2, 2)
    before = look(outside.path)
    os.symlink(outside.path, volume.path + "/dir")
    os.symlink(outside.path + "/d1/f1", volume.path + "/file")
    os.symlink("nowhere", volume.path + "/dangling")
    os.symlink("loop", volume.path + "/loop")
    os.symlink("..", volume.path + "/up")
    equal(perms("--owner", "999", volume.path).rc, 0, "perms")
    equal(look(outside.path), before, "outside")
    for name in ("dir", "file", "dangling", "loop", "up"):
        equal(owner(f"{volume.path}/{name}"), (999, 999), name)


def a_link_in_the_path_is_refused(world):
    """a symbolic link in the path: 65; no directory: 78; nothing is changed"""
    volume = Volume(world)
    os.mkdir(volume.path + "/real")
    touch(volume.path + "/real/file")
    os.symlink("real", volume.path + "/link")
    os.symlink(volume.path, world.dir + "/way")
    for filters in (None, without(["openat2"]), without(["openat2", "statx"], 38)):
        for path in (volume.path + "/link", world.dir + "/way/real", volume.path + "/link/", world.dir + "/way"):
            answer = perms("--owner", "999", path, before=filters)
            equal(answer.rc, 65, f"{path}: {answer}")
            check("symbolic link" in answer.err, answer.err)
        equal(perms("--owner", "999", volume.path + "/real/file", before=filters).rc, 78, "a file")
        equal(perms("--owner", "999", volume.path + "/none", before=filters).rc, 78, "nothing")
    equal(wrong(volume.path + "/real", 0), [], "what was behind the links")


def what_is_the_systems_is_refused(world):
    """/, /etc, /proc, /sys, /dev are refused by any name, also mounted elsewhere"""
    volume = Volume(world)
    before = {path: owner(path) for path in ("/", "/etc", "/usr")}
    os.mkdir(volume.path + "/etc")
    syscalls.mount("/etc", volume.path + "/etc", "", syscalls.MS_BIND)
    for path in ("/", "//", "/.", "/etc", "/etc/", "//etc", "/etc/.", "/tmp/../etc", "/proc", "/sys", "/dev",
                 "/usr", "/var", "/proc/self", "/proc/1/root", "/sys/kernel", volume.path + "/etc"):
        answer = perms("--owner", "999", "--always", path)
        equal(answer.rc, 65 if path == "/proc/self" or path == "/proc/1/root" else 64, f"{path}: {answer}")
    equal(perms("--owner", "999", ".", cwd="/").rc, 64, "'.' in /")
    equal(perms("--owner", "999", "..", cwd="/tmp").rc, 64, "'..' in /tmp")
    equal({path: owner(path) for path in before}, before, "the system's owners")
    equal(perms("--owner", "999").rc, 64, "no path")
    equal(perms("--owner", "999", "").rc, 64, "an empty path")


def relative_and_odd_paths_work(world):
    """relative paths, dots, double slashes, several paths, names with a newline"""
    volume = Volume(world)
    odd = "od d\n\\x\x7f"
    os.makedirs(f"{volume.path}/a/b/{odd}")
    for path, cwd in (("b", "/a"), ("./b/", "/a"), ("../a//b/.", "/a"), (".", "/a/b"), ("..", f"/a/b/{odd}")):
        own(volume.path, 0)
        equal(perms("--owner", "999", path, cwd=volume.path + cwd).rc, 0, path)
        equal((owner(volume.path + "/a/b"), owner(volume.path + "/a")), ((999, 999), (0, 0)), path)
    own(volume.path, 0)
    answer = perms("--owner", "999", "b", f"b/{odd}", cwd=volume.path + "/a")
    equal(answer.out.splitlines()[1], r"b/od d\x0a\\x\x7f: right", repr(answer))
    own(volume.path, 0)
    answer = perms("--owner", "999", "--output", "json", f"b/{odd}", cwd=volume.path + "/a")
    equal(json.loads(answer.out)["path"], r"b/od d\x0a\\x\x7f", "as JSON")


def names_are_bytes(world):
    """names of any bytes are mended and shown escaped"""
    for kind in ("ext4", "tmpfs"):
        volume = Volume(world, kind, kind)
        names = [b"new\nline", b"\xff\xfe", b"a\\b", b"\x1b[31m", b"'", b"\"", b" ", b"...", b"\xe2\x80", b"x" * 255,
                 b"-rf", b"$(id)", b"%s%n"]
        for name in names:
            os.mkdir(os.path.join(os.fsencode(volume.path), name))
            touch(os.path.join(os.fsencode(volume.path), name, name))
        told = json.loads(perms("--owner", "999", "--check", "--output", "json", volume.path).out)
        check(told["wrong"] == 1 + 2 * len(names) and told["first_wrong"].isascii(), repr(told))
        answer = perms("--owner", "999", "--check", volume.path)
        check(answer.out.isascii() and "\x1b" not in answer.out, repr(answer.out))
        equal(perms("--owner", "999", volume.path).rc, 0, "perms")
        equal(wrong(volume.path), [], "still wrong")


def special_files_are_never_opened(world):
    """FIFOs and sockets are changed without being opened, devices are left alone"""
    volume = Volume(world)
    for where in (volume.path, volume.path + "/sub"):
        os.makedirs(where, exist_ok=True)
        os.mkfifo(where + "/fifo")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(where + "/socket")
        os.mknod(where + "/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.mknod(where + "/disk", stat.S_IFBLK | 0o600, os.makedev(259, 0))
    answer = perms("--owner", "999", volume.path, timeout_s=20)
    equal(answer.rc, 0, repr(answer))
    equal({owner(f"{volume.path}/{name}") for name in ("fifo", "socket", "sub/fifo", "sub/socket")},
          {(999, 999)}, "FIFOs and sockets")
    equal({owner(f"{volume.path}/{name}") for name in ("null", "disk", "sub/null", "sub/disk")}, {(0, 0)},
          "devices")
    check("5 left alone" in answer.out, answer.out)


def other_mounts_are_left_alone(world):
    """bind mounts of directories and files, and a tmpfs, in the volume; --cross-mounts takes them"""
    volume = Volume(world)
    other = Volume(world, "other")
    other.fill(2, 2)
    volume.fill(3, 3)
    elsewhere = volume.path + "/d0"
    for name in ("bind", "tmpfs", "same"):
        os.mkdir(f"{volume.path}/d2/{name}")
    touch(volume.path + "/d2/file")
    touch(volume.path + "/d2/same-file")
    syscalls.mount(other.path, volume.path + "/d2/bind", "", syscalls.MS_BIND)
    syscalls.mount("none", volume.path + "/d2/tmpfs", "tmpfs")
    syscalls.mount(other.path + "/d1/f1", volume.path + "/d2/file", "", syscalls.MS_BIND)
    # the same file system at a second place: only the number of the mount tells
    syscalls.mount(elsewhere, volume.path + "/d2/same", "", syscalls.MS_BIND)
    syscalls.mount(elsewhere + "/f0", volume.path + "/d2/same-file", "", syscalls.MS_BIND)
    touch(volume.path + "/d2/tmpfs/x")
    before = look(other.path)
    answer = perms("--owner", "999", volume.path)
    equal(answer.rc, 0, repr(answer))
    check("6 left alone" in answer.out, answer.out)
    equal(look(other.path), before, "the other volume")
    equal(owner(volume.path + "/d2/tmpfs/x"), (0, 0), "the tmpfs")
    os.chown(volume.path, 0, 0)
    equal(perms("--owner", "999", "--cross-mounts", volume.path).rc, 0, "--cross-mounts")
    equal(wrong(volume.path), [], "still wrong")
    equal(owner(other.path + "/d1/f1"), (999, 999), "a file mounted in it")


def the_same_mount_seen_below_a_root_of_its_own(world):
    """a root that is a bind mount of a directory of its own file system: nothing outside"""
    volume = Volume(world)
    volume.fill(3, 3)
    inner = volume.path + "/d0"
    place = world.dir + "/place"
    os.mkdir(place)
    syscalls.mount(inner, place, "", syscalls.MS_BIND)
    equal(perms("--owner", "999", place).rc, 0, "perms")
    equal(wrong(inner), [], "the directory")
    equal(wrong(volume.path + "/d1", 0), [], "its neighbour")


def hard_links_are_treated_as_told(world):
    """a hard link that may lead out of the volume: 65, skip and fix as told; in a whole volume: mended"""
    volume = Volume(world)
    volume.fill(2, 2)
    os.link(volume.path + "/d0/f0", volume.path + "/d1/link")
    os.mkfifo(volume.path + "/fifo")
    equal(perms("--owner", "998", volume.path).rc, 0, "a volume of its own")
    equal(wrong(volume.path, 998), [], "still wrong")
    place = world.dir + "/place"
    os.mkdir(place)
    syscalls.mount(volume.path + "/d1", place, "", syscalls.MS_BIND)
    for path in (place, volume.path):
        own(volume.path, 0)
        answer = perms("--owner", "999", "--check", path)
        equal(answer.rc, 65, f"--check {path}: {answer}")
        answer = perms("--owner", "999", path)
        equal(answer.rc, 65, f"{path}: {answer}")
        check("--hardlinks=fix" in answer.err and "2 names" in answer.err, answer.err)
        equal((owner(volume.path + "/d0/f0"), owner(path)), ((0, 0), (0, 0)), "the file outside, the root")
        answer = perms("--owner", "999", "--hardlinks=skip", path)
        equal((answer.rc, owner(volume.path + "/d0/f0"), owner(path)), (0, (0, 0), (999, 999)), repr(answer))
        check("left alone" in answer.out, answer.out)
        os.chown(path, 0, 0)
        equal(perms("--owner", "999", "--hardlinks=fix", path).rc, 0, "fix")
        equal(owner(volume.path + "/d0/f0"), (999, 999), "the file outside")
        os.chown(path, 0, 0)
        equal(perms("--owner", "999", path).rc, 0, "a hard link that is right")
    os.unlink(volume.path + "/d1/link")
    own(volume.path, 0)
    os.link(volume.path + "/fifo", volume.path + "/d1/fifo")
    equal(perms("--owner", "999", place).rc, 65, "a FIFO of two names")
    equal(owner(volume.path + "/fifo"), (0, 0), "the FIFO")


def immutable_files_are_told(world):
    """an immutable file: 77 that says chattr; afterwards the run goes through"""
    volume = Volume(world)
    volume.fill(3, 3)
    for path in (volume.path + "/d1/f1", volume.path + "/d2", volume.path):
        own(volume.path, 0)
        set_immutable(path, True)
        answer = perms("--owner", "999", volume.path)
        equal(answer.rc, 77, f"{path}: {answer}")
        check("chattr -i" in answer.err and f"'{path}'" in answer.err, answer.err)
        equal(owner(volume.path), (0, 0), "the root stays wrong, so that the next run starts over")
        set_immutable(path, False)
        equal(perms("--owner", "999", volume.path).rc, 0, "afterwards")
        equal(wrong(volume.path), [], "still wrong")


def a_read_only_mount_is_told(world):
    """a read-only volume: right is right, wrong is 74 and says so"""
    volume = Volume(world)
    volume.fill(2, 2)
    run(["mount", "-o", "remount,ro", volume.path])
    answer = perms("--owner", "999", volume.path)
    equal(answer.rc, 74, repr(answer))
    check("Read-only file system" in answer.err and "readOnly" in answer.err, answer.err)
    equal(perms("--owner", "999", "--check", volume.path).rc, 1, "--check")
    equal(perms("--owner", "0", "--always", volume.path).rc, 0, "what is right")


def what_the_kernel_refuses_is_told(world):
    """a quota, a full disk, NFS's root_squash and stale handles: status, reason, nothing half done"""
    volume = Volume(world)
    volume.fill(3, 3)
    rights = with_caps(*INIT_CAPS)
    for number, rc, word in ((errno.EDQUOT, 74, "quota"), (errno.ENOSPC, 74, "no space left"), (errno.EIO, 74, "error"),
                             (errno.EPERM, 77, "root_squash"), (errno.EACCES, 77, "root_squash"),
                             (errno.EINVAL, 77, "hostusers"), (errno.EOVERFLOW, 77, "hostusers")):
        answer = perms("--owner", "999", volume.path, prefix=rights, before=without(["fchownat"], number))
        equal(answer.rc, rc, f"{errno.errorcode[number]}: {answer}")
        check(word in answer.err.lower() and volume.path in answer.err, answer.err)
        equal(owner(volume.path), (0, 0), "the root")
    for number in (errno.ENOENT, errno.ESTALE):
        own(volume.path, 0)
        answer = perms("--owner", "999", volume.path, before=without(["fchownat"], number))
        equal((answer.rc, owner(volume.path)), (0, (999, 999)), f"files that vanish are no failure: {answer}")
    own(volume.path, 0)
    answer = perms("--owner", "999", volume.path, before=without(["fchownat", "fchown"], 0))
    equal(answer.rc, 78, f"a file system that ignores owners: {answer}")
    check("uid=" in answer.err, answer.err)
    os.chmod(volume.path, 0o500)
    answer = perms("--owner", "999", volume.path, before=without(["fchmod"], errno.EPERM))
    equal(answer.rc, 77, repr(answer))
    equal(owner(volume.path), (0, 0), "the root")


def an_unmapped_owner_is_told(world):
    """an owner that the user namespace does not map: 77 that names hostUsers"""
    inside = ("unshare", "--user", "--map-root-user", "--mount")
    script = ('mount -t tmpfs none "$1" && mkdir "$1/sub" && touch "$1/sub/file" && '
              'exec "$2" perms --owner 999 "$1"')
    os.mkdir(world.dir + "/place")
    answer = subprocess.run([*inside, "sh", "-c", script, "sh", world.dir + "/place", ORDAIN], capture_output=True,
                            text=True, check=False)
    equal(answer.returncode, 77, repr(answer))
    check("hostUsers" in answer.stderr, answer.stderr)


def old_kernels_and_filters_are_worked_around(world):
    """without openat2 and statx the same things are changed and nothing else"""
    volume = Volume(world)
    other = Volume(world, "other")
    other.fill(1, 2)
    os.mkdir(volume.path + "/bind")
    syscalls.mount(other.path, volume.path + "/bind", "", syscalls.MS_BIND)
    entries = volume.fill()
    for names, number in ((["openat2"], 1), (["openat2"], 38), (["statx", "openat2"], 1), (["statx"], 38)):
        own(volume.path, 0)
        answer = perms("--owner", "999", volume.path, before=without(names, number))
        equal(answer.rc, 0, f"without {names}: {answer}")
        check(f"{entries + 1} entries, {entries} changed" in answer.out, answer.out)
        equal([p for p in wrong(volume.path) if b"/bind" not in p], [], "still wrong")
        equal(wrong(other.path, 0), [], "the other volume")
    os.mkdir(volume.path + "/again")
    syscalls.mount(volume.path + "/d0", volume.path + "/again", "", syscalls.MS_BIND)
    own(volume.path, 0)
    answer = perms("--owner", "999", volume.path, before=without(["statx"]))
    equal(answer.rc, 65, f"a mount that cannot be told from the volume: {answer}")
    equal(perms("--owner", "999", "--cross-mounts", volume.path, before=without(["statx"])).rc, 0, "crossed")


def few_descriptors_are_enough(world):
    """wide and deep at once with 64 descriptors"""
    volume = Volume(world)
    path = volume.path
    for _ in range(60):
        path += "/deep"
        os.mkdir(path)
        for name in ("a", "b"):
            os.mkdir(f"{path}/{name}")
            for number in range(20):
                touch(f"{path}/{name}/{number}")
    answer = perms("--owner", "999", volume.path,
                   before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
    equal(answer.rc, 0, repr(answer))
    equal(wrong(volume.path), [], "still wrong")


def a_full_standard_output_is_told(world):
    """an answer that cannot be written is 74, with the work done"""
    volume = Volume(world)
    volume.fill(1, 1)
    with open("/dev/full", "wb") as full:
        result = subprocess.run([ORDAIN, "perms", "--owner", "999", volume.path], stdout=full,
                                stderr=subprocess.PIPE, check=False)
    equal(result.returncode, 74, repr(result))
    equal(wrong(volume.path), [], "still wrong")


SCENARIOS = [value for value in list(globals().values())
             if callable(value) and getattr(value, "__module__", "") == __name__
             and value.__code__.co_varnames[:value.__code__.co_argcount] == ("world",)]

if __name__ == "__main__":
    sys.exit(lab.main(SCENARIOS, needs=(ORDAIN, "/usr/sbin/mkfs.ext4")))
