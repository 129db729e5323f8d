"""The few Linux calls that Python 3.11 lacks: namespaces, mounts, capabilities.

Every function raises OSError with the call's name and errno upon failure. Nothing here is kept
between calls, so all of it may be used in a child between fork and exec.
"""

import ctypes
import os

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MNT_DETACH = 2

PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

# The numbers of capabilities(7), as far as a pod's security context names them.
CAPABILITIES = {
    "CHOWN": 0, "DAC_OVERRIDE": 1, "DAC_READ_SEARCH": 2, "FOWNER": 3, "FSETID": 4, "KILL": 5,
    "SETGID": 6, "SETUID": 7, "SETPCAP": 8, "NET_BIND_SERVICE": 10, "NET_RAW": 13,
    "SYS_CHROOT": 18, "SYS_ADMIN": 21, "MKNOD": 27, "AUDIT_WRITE": 29, "SETFCAP": 31,
}

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(name, result):
    """Raises OSError when a call answered -1; `name` says which call it was."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def unshare(flags):
    """Moves this process (for CLONE_NEWPID: its next children) into new namespaces."""
    _checked("unshare", _libc.unshare(flags))


def setns(fd):
    """Enters the namespace behind `fd`; a pid namespace takes effect for the next children."""
    _checked("setns", _libc.setns(fd, 0))


def mount(source, target, fstype="", flags=0, options=""):
    """mount(2) with strings."""
    _checked(f"mount {target}", _libc.mount(
        source.encode(), target.encode(), fstype.encode(), ctypes.c_ulong(flags),
        options.encode() if options else None))


def bind(source, target, read_only=False):
    """Binds a file or a tree (without the mounts below it) to another place."""
    mount(source, target, "", MS_BIND)
    if read_only:
        mount("", target, "", MS_BIND | MS_REMOUNT | MS_RDONLY)


def umount(target):
    """Detaches a mount at once, even while it is used."""
    _checked(f"umount {target}", _libc.umount2(target.encode(), MNT_DETACH))


def pivot_root(new_root):
    """Makes `new_root`, a mount point, the root of this mount namespace; forgets the old one."""
    os.chdir(new_root)
    _checked("pivot_root", _libc.pivot_root(b".", b"."))
    umount(".")
    os.chdir("/")


def sethostname(name):
    """Sets the host name of this UTS namespace."""
    raw = name.encode()
    _checked("sethostname", _libc.sethostname(raw, len(raw)))


def prctl(option, value=0):
    """prctl(2) with one argument."""
    _checked(f"prctl {option}", _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0))


def limit_capabilities(keep):
    """Drops every capability but `keep` (names without CAP_) from the bounding set.

    What uid 0 has after the next exec is exactly the bounding set, so this is all that a container
    runtime's `drop: [ALL], add: [...]` does for root. Needs SETPCAP, so call it before setuid.
    """
    kept = {CAPABILITIES[name] for name in keep}
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        last = int(file.read())
    for number in range(last + 1):
        if number not in kept:
            prctl(PR_CAPBSET_DROP, number)
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
