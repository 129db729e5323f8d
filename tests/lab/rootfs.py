"""A pod's root file system: the machine's programs read-only, everything else of its own.

Built on a tmpfs inside the pod's mount namespace, so nothing is created on the machine's disks and
nothing has to be removed.
"""

import os

from . import syscalls

PROGRAM_DIRS = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt")
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
# An image may bring its own.
PASSWD = """\
root:x:0:0:root:/root:/bin/sh
redis:x:999:999:redis:/data:/bin/sh
postgres:x:70:70:postgres:/var/lib/postgresql:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
"""
GROUP = "root:x:0:\nredis:x:999:\npostgres:x:70:\nnogroup:x:65534:\n"
COPIED = ("/etc/ld.so.cache", "/etc/nsswitch.conf", "/etc/services", "/etc/protocols")


def build(root):
    """Makes the root and enters it. `root` is a dict:

    `path`: an empty directory to build on; `files`: {path: [text, mode]}; `binds`: [[source,
    target, read_only], ...] in order; `local`: the directory that becomes /usr/local.
    """
    path = root["path"]
    syscalls.mount("none", "/", "", syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.mount("pod", path, "tmpfs", 0, "mode=0755")
    _programs(path)
    syscalls.bind(root["local"], path + "/usr/local", read_only=True)
    _devices(path)
    for name in ("proc", "root", "run", "etc", "var/lib"):
        os.makedirs(f"{path}/{name}", exist_ok=True)
    os.mkdir(path + "/tmp")
    syscalls.mount("tmp", path + "/tmp", "tmpfs", syscalls.MS_NOSUID, "mode=1777")
    _etc(path)
    for name, (text, mode) in root["files"].items():
        _write(path + name, text, mode)
    for source, target, read_only in root["binds"]:
        _place(source, path + target)
        syscalls.bind(source, path + target, read_only)
    syscalls.mount("", path, "", syscalls.MS_REMOUNT | syscalls.MS_RDONLY)
    syscalls.pivot_root(path)


def _programs(path):
    """/usr and what stands beside it: a symbolic link stays one, a directory is bound."""
    for name in PROGRAM_DIRS:
        source = "/" + name
        if os.path.islink(source):
            os.symlink(os.readlink(source), f"{path}/{name}")
        elif os.path.isdir(source):
            os.mkdir(f"{path}/{name}")
            syscalls.bind(source, f"{path}/{name}", read_only=True)


def _devices(path):
    """The devices that every container runtime gives."""
    dev = path + "/dev"
    os.mkdir(dev)
    for name in DEVICES:
        _write(f"{dev}/{name}", "", 0o644)
        syscalls.bind(f"/dev/{name}", f"{dev}/{name}")
    os.mkdir(dev + "/shm")
    syscalls.mount("shm", dev + "/shm", "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV,
                   "mode=1777,size=64m")
    os.symlink("/proc/self/fd", dev + "/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"{dev}/{name}")


def _etc(path):
    """The little of /etc that programs look for; nothing of this machine's identity."""
    _write(path + "/etc/passwd", PASSWD, 0o644)
    _write(path + "/etc/group", GROUP, 0o644)
    for name in COPIED:
        if os.path.exists(name):
            with open(name, "rb") as file:
                data = file.read()
            with open(path + name, "wb") as file:
                file.write(data)
    for name in ("/etc/alternatives", "/etc/ssl"):
        if os.path.isdir(name):
            os.mkdir(path + name)
            syscalls.bind(name, path + name, read_only=True)


def _write(path, text, mode):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def _place(source, target):
    """Makes the mount point for a bind: a directory or an empty file, as the source is."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        _write(target, "", 0o644)
