"""A world of its own for one test: network, mounts and processes that vanish with it.

`run(main)` forks twice. The caller stays outside as the *keeper*, which only waits. Its child is
pid 1 of a new pid namespace with its own network and mounts: it starts and reaps processes
(spawner.py). That child's child is the *runner*, which calls `main(world)`.

However the run ends, nothing stays: when the runner ends, pid 1 ends; when pid 1 ends, the kernel
kills every process of its namespace and frees its mounts and network; when the keeper is killed,
pid 1 is told by a signal and by a closed pipe. All files live on a tmpfs that only the world sees;
outside there is one empty directory, which the keeper removes, or the next run if it could not.
"""

import fcntl
import glob
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

from . import spawner, syscalls

NEEDS_ROOT = "the lab needs root (network namespaces); run: sudo make demo"
TOOLS = {"ip": "iproute2", "iptables": "iptables", "dnsmasq": "dnsmasq-base"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PREFIX = "ordain-lab."
GRACE_S = 15


class Interrupted(KeyboardInterrupt):
    """SIGTERM: the keeper's deadline, or somebody ends the run. Raised in the main thread."""


class World:
    """What the runner gets: `dir` (a private tmpfs) and `spawner` (starts processes)."""

    def __init__(self, directory, sock):
        self.dir = directory
        self.spawner = spawner.Client(sock)


def missing():
    """A sentence that says why no world can be made here, or None."""
    if not sys.platform.startswith("linux"):
        return "the lab needs Linux (network namespaces)"
    if os.geteuid() != 0:
        return NEEDS_ROOT
    for tool, package in TOOLS.items():
        if not shutil.which(tool, path=PATH):
            return f"the lab needs {tool}; run: apt-get install {package}"
    if subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True,
                      check=False).returncode:
        return NEEDS_ROOT
    return None


def run(main, timeout_s=None):
    """Calls `main(world)` in a new world; answers its exit status (None counts as 0).

    After `timeout_s` seconds the runner gets an Interrupted, GRACE_S later everything is killed.
    130 stands for an interrupt, 137 for a kill, 1 for an exception (its traceback is printed).
    """
    reason = missing()
    if reason:
        print(reason, file=sys.stderr)
        return 1
    _sweep()
    directory, lock = _scratch()
    alive_r, alive_w = os.pipe()
    own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        syscalls.unshare(syscalls.CLONE_NEWPID)
        pid = os.fork()
        if pid == 0:
            os.close(alive_w)
            os.close(lock)
            _child(lambda: _pid_one(main, directory, alive_r))
        syscalls.setns(own_pids)
        return _keep(pid, timeout_s)
    finally:
        for fd in (alive_r, alive_w, own_pids):
            os.close(fd)
        _remove(directory)
        os.close(lock)


def _child(function):
    """Ends this forked process with the function's status; never returns."""
    status = 1
    try:
        status = function() or 0
    except KeyboardInterrupt:
        status = 130
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # pylint: disable=broad-except
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)


def _keep(pid, timeout_s):
    """Waits for pid 1 of the world; passes SIGTERM and SIGHUP on; enforces the deadline."""
    def forward(_signal, _frame):
        os.kill(pid, signal.SIGTERM)
    before = {number: signal.signal(number, forward) for number in (signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    pidfd = os.pidfd_open(pid)
    try:
        if not _ends(pidfd, timeout_s):
            os.kill(pid, signal.SIGTERM)
            if not _ends(pidfd, GRACE_S):
                os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
    finally:
        os.close(pidfd)
        for number, handler in before.items():
            signal.signal(number, handler)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _ends(pidfd, timeout_s):
    """True when the process ends within the time (None: waits without end)."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(None if timeout_s is None else timeout_s * 1000))


def _pid_one(main, directory, alive):
    """Makes the world, starts the runner, then serves it until it ends."""
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    syscalls.unshare(syscalls.CLONE_NEWNS | syscalls.CLONE_NEWNET | syscalls.CLONE_NEWIPC
                     | syscalls.CLONE_NEWUTS)
    syscalls.mount("none", "/", "", syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.mount("proc", "/proc", "proc")
    syscalls.mount("lab", directory, "tmpfs", 0, "mode=0755")
    os.environ["PATH"] = PATH
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    runner = os.fork()
    if runner == 0:
        os.close(alive)
        ours.close()
        _child(lambda: _run(main, directory, theirs))
    theirs.close()
    return spawner.Server(ours, runner, alive).serve()


def _run(main, directory, sock):
    """The runner: signals back to normal, then `main`."""
    def interrupted(_signal, _frame):
        raise Interrupted()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    return main(World(directory, sock))


def _scratch():
    """An empty directory and a lock on it that says: in use. The lock dies with the keeper."""
    while True:
        directory = tempfile.mkdtemp(prefix=PREFIX)
        lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(directory):  # a sweeper may have come between
            return directory, lock
        os.close(lock)


def _sweep():
    """Removes the empty directories of runs that were killed with their keeper."""
    for directory in glob.glob(os.path.join(tempfile.gettempdir(), PREFIX + "*")):
        try:
            lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.rmdir(directory)
        except OSError:
            pass
        finally:
            os.close(lock)


def _remove(directory):
    """Removes the mount point; the kernel may need a moment to free the mount on it."""
    for _ in range(100):
        try:
            os.rmdir(directory)
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.02)
