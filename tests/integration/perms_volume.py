"""What the scenarios of perms share: volumes, what is in them, and ordain run on them."""

import array
import ctypes
import errno
import fcntl
import os
import platform
import stat
import struct
import subprocess

from common import lab
from lab import syscalls

OWNER = 999
ORDAIN = lab.ordain_binary()
INIT_CAPS = ("CHOWN", "DAC_OVERRIDE", "FOWNER")

FS_IOC_GETFLAGS = 0x80086601
FS_IOC_SETFLAGS = 0x40086602
FS_IMMUTABLE_FL = 0x10


class Volume:
    """A file system of its own at `path`: ext4 on a loop device, or a tmpfs."""

    def __init__(self, world, name="data", kind="ext4", size_mib=64, inodes=20000, options=()):
        self.path = os.path.join(world.dir, name)
        self.image = os.path.join(world.dir, name + ".img")
        self.device = None
        os.mkdir(self.path)
        if kind == "tmpfs":
            syscalls.mount("volume", self.path, "tmpfs", 0, f"size={size_mib}m,nr_inodes={inodes}")
            return
        with open(self.image, "wb") as image:
            image.truncate(size_mib << 20)
        run(["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0",
             "-N", str(inodes), *options, self.image])
        run(["mount", "-o", "loop", self.image, self.path])
        number = os.stat(self.path).st_dev
        self.device = f"/sys/dev/block/{os.major(number)}:{os.minor(number)}"

    def written(self):
        """Bytes written to the loop device since it was made."""
        os.sync()
        with open(self.device + "/stat", encoding="ascii") as text:
            return int(text.read().split()[6]) * 512

    def fill(self, directories=10, files=20, below=""):
        """Directories of empty files; answers the number of entries with the volume's root."""
        for number in range(directories):
            directory = os.path.join(self.path, below, f"d{number}")
            os.mkdir(directory)
            for name in range(files):
                touch(os.path.join(directory, f"f{name}"))
        return 1 + directories * (files + 1)


def run(words, **options):
    """A tool of the machine that has to succeed."""
    return subprocess.run(words, check=True, capture_output=True, text=True, **options).stdout


def touch(path, mode=0o644):
    """An empty file."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, mode))


def own(path, uid, gid=None):
    """Gives a tree to somebody, as the state that a test begins with; lost+found stays."""
    gid = uid if gid is None else gid
    for directory, names, files in os.walk(path):
        if directory == path and "lost+found" in names:
            names.remove("lost+found")
        for name in names + files:
            os.chown(os.path.join(directory, name), uid, gid, follow_symlinks=False)
    os.chown(path, uid, gid)


def look(path):
    """What can change: owner, mode, ctime, of everything in a tree, by path."""
    seen = {}
    for directory, names, files in os.walk(os.fsencode(path)):
        for name in [b"."] + names + files:
            entry = os.path.join(directory, name)
            status = os.lstat(entry)
            seen[entry] = (status.st_uid, status.st_gid, status.st_mode, status.st_ctime_ns)
    return seen


def wrong(path, uid=OWNER, gid=None):
    """Paths of a tree that do not belong to uid:gid; lost+found may be root's."""
    gid = uid if gid is None else gid
    top = os.fsencode(path) + b"/lost+found"
    return sorted(entry for entry, seen in look(path).items()
                  if seen[:2] != (uid, gid) and not entry.startswith(top))


def owner(path):
    """uid and gid of the entry itself."""
    status = os.lstat(path)
    return status.st_uid, status.st_gid


def mode(path):
    """The permission bits."""
    return stat.S_IMODE(os.lstat(path).st_mode)


def set_immutable(path, on):
    """chattr +i and -i."""
    fd = os.open(path, os.O_RDONLY)
    flags = array.array("i", [0])
    fcntl.ioctl(fd, FS_IOC_GETFLAGS, flags)
    flags[0] = flags[0] | FS_IMMUTABLE_FL if on else flags[0] & ~FS_IMMUTABLE_FL
    fcntl.ioctl(fd, FS_IOC_SETFLAGS, flags)
    os.close(fd)


def capability_bytes():
    """A security.capability attribute: version 2, CAP_NET_BIND_SERVICE permitted."""
    return struct.pack("<5I", 0x02000000, 1 << 10, 0, 0, 0)


class Answer:
    """How a call ended."""

    def __init__(self, result):
        self.rc, self.out, self.err = result.returncode, result.stdout, result.stderr

    def __repr__(self):
        return f"rc {self.rc}\nstdout: {self.out}\nstderr: {self.err}"


def perms(*words, prefix=(), before=None, timeout_s=120, cwd=None):
    """`ordain perms` with these arguments; `prefix` stands before it, `before` runs in the child."""
    result = subprocess.run([*prefix, ORDAIN, "perms", *words], capture_output=True, text=True, check=False,
                            preexec_fn=before, timeout=timeout_s, cwd=cwd, errors="surrogateescape",
                            env={"PATH": os.environ["PATH"]})
    return Answer(result)


def with_caps(*names):
    """A prefix: root with these capabilities alone."""
    bounding = ",".join(["-all"] + ["+" + name.lower() for name in names])
    return ("setpriv", "--inh-caps", "-all", "--bounding-set", bounding)


def as_user(uid, gid=None, groups=()):
    """A prefix: an ordinary user."""
    which = ["--groups", ",".join(map(str, groups))] if groups else ["--clear-groups"]
    return ("setpriv", "--reuid", str(uid), "--regid", str(uid if gid is None else gid), *which,
            "--inh-caps", "-all", "--bounding-set", "-all")


# ---- a seccomp filter: as container runtimes older than a system call have it, and for failures at will

SYSCALLS = {
    "x86_64": {"fchmod": 91, "fchown": 93, "fchownat": 260, "statx": 332, "openat2": 437},
    "aarch64": {"fchmod": 52, "fchown": 55, "fchownat": 54, "statx": 291, "openat2": 437},
}


def without(names, number=errno.EPERM):
    """For `before`: these system calls do nothing and end with the errno value (0: as if they had)."""
    def install():
        libc = ctypes.CDLL(None, use_errno=True)
        table = SYSCALLS[platform.machine()]
        ret = 0x06
        rows = [(0x20, 0, 0, 0)]  # the number of the call
        for name in names:
            rows.append((0x15, 0, 1, table[name]))
            rows.append((ret, 0, 0, 0x00050000 | number))  # SECCOMP_RET_ERRNO
        rows.append((ret, 0, 0, 0x7fff0000))  # SECCOMP_RET_ALLOW
        code = b"".join(struct.pack("HBBI", *row) for row in rows)
        text = ctypes.create_string_buffer(code)
        program = ctypes.create_string_buffer(struct.pack("HP", len(rows), ctypes.addressof(text)))
        libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
        if libc.prctl(22, 2, program, 0, 0) != 0:  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECCOMP)")
    return install
