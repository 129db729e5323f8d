"""What a freshly forked child of the world's pid 1 does: become a sandbox or a container.

Runs between fork and exec in a process with one thread. An error is written to the pipe that the
parent reads; the pipe closes by itself upon exec.
"""

import os
import signal
import subprocess
import traceback

from . import rootfs, spawner, syscalls

NAMESPACES = ("net", "uts", "ipc", "mnt")


def enter(pid, names):
    """Enters the named namespaces of a running process. Raises OSError when it is gone."""
    fds = [os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in names]
    for fd in fds:
        syscalls.setns(fd)
        os.close(fd)


def child(request, fds, sock, pipe):
    """The child's whole life; never returns."""
    try:
        if request["op"] == "sandbox":
            make_sandbox(request, sock)
            os._exit(0)
        start_process(request, fds)
    except BaseException as error:  # pylint: disable=broad-except
        words = str(error) if isinstance(error, OSError) else traceback.format_exc()
        os.write(pipe, (words or repr(error)).encode()[:4000])
        os._exit(127)


def make_sandbox(request, sock):
    """A pod's namespaces: network with its addresses, host name, and root file system.

    `hostname`; `ip_batch`: lines for ip(8) within the new network namespace; `sysctls`: {path under
    /proc/sys: value}; `root`: rootfs.build's argument, or None for a network namespace alone. The
    namespaces live as long as somebody holds the descriptors that are sent back.
    """
    root = request.get("root")
    flags = syscalls.CLONE_NEWNET | syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWIPC
    syscalls.unshare(flags | (syscalls.CLONE_NEWNS if root else 0))
    if request.get("hostname"):
        syscalls.sethostname(request["hostname"])
    for name, value in request.get("sysctls", {}).items():
        with open(f"/proc/sys/{name}", "w", encoding="ascii") as file:
            file.write(value)
    done = subprocess.run(["ip", "-batch", "-"], input=request["ip_batch"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise OSError(f"ip: {done.stdout.strip()}")
    names = [name for name in NAMESPACES if root or name != "mnt"]
    fds = [os.open(f"/proc/self/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in names]
    if root:
        rootfs.build(root)
    spawner.send(sock, {"id": request["id"], "names": names}, fds)


def start_process(request, fds):
    """Becomes `argv`, with exactly `env`, in the wanted namespaces and with the wanted rights.

    `namespaces`: names of the descriptors after the first three; or `join`: a pid whose container
    is entered. `new_pids`: a container of its own (pid 1, own /proc, own view of the mounts, in
    which the paths `read_only` are read-only). `uid`, `gid`, `groups`, `caps` (None: unchanged),
    `no_new_privs`, `cwd`.
    """
    os.setsid()
    if request.get("join"):
        enter(request["join"], NAMESPACES)
    else:
        for fd in fds[3:]:
            syscalls.setns(fd)
        if request.get("new_pids"):
            _own_mounts(request.get("read_only", ()))
    os.chdir(request.get("cwd", "/"))
    for target, fd in enumerate(fds[:3]):
        os.dup2(fd, target, inheritable=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP, signal.SIGPIPE,
                   signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.umask(0o022)
    _take_rights(request)
    os.execvpe(request["argv"][0], request["argv"], request["env"])


def _own_mounts(read_only):
    """The mounts of one container: those of its pod, with /proc of its own pid namespace."""
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("proc", "/proc", "proc",
                   syscalls.MS_NOSUID | syscalls.MS_NODEV)
    for path in read_only:
        syscalls.mount("", path, "", syscalls.MS_BIND | syscalls.MS_REMOUNT | syscalls.MS_RDONLY)


def _take_rights(request):
    """Capabilities first, then the user, as a container runtime does."""
    if request.get("caps") is not None:
        syscalls.limit_capabilities(request["caps"])
    os.setgroups(request.get("groups", []))
    os.setresgid(*[request.get("gid", 0)] * 3)
    os.setresuid(*[request.get("uid", 0)] * 3)
    if request.get("no_new_privs"):
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
