"""Starts processes in pods: quick, exact, and with nothing inherited.

`Server` is the loop of the world's pid 1: one thread, no locks, so that its forks are safe. It
makes sandboxes (the namespaces and root of a pod) and starts processes in them, reaps everything
and reports each end. `Client` is the runner's side: blocking calls from any thread.

They talk over a SOCK_SEQPACKET pair: JSON, with file descriptors beside it. A request has `op`
(`spawn` or `sandbox`) and `id`; the answer has `id` and either `pid` or `error`, for a sandbox the
descriptors of its namespaces. `{"exit": pid, "status": n}` tells the end of a process.
"""

import json
import os
import select
import signal
import socket
import sys
import threading

from . import launch, syscalls

MAX_MESSAGE = 65_536
MAX_FDS = 8


class SpawnError(Exception):
    """A process or a sandbox could not be made; the text says which step failed."""


def send(sock, message, fds=()):
    """Sends one message with descriptors."""
    socket.send_fds(sock, [json.dumps(message).encode()], list(fds))


def receive(sock):
    """One message and its descriptors (close-on-exec); (None, []) when the other side is gone."""
    try:
        data, fds, _flags, _addr = socket.recv_fds(sock, MAX_MESSAGE, MAX_FDS,
                                                   socket.MSG_CMSG_CLOEXEC)
    except ConnectionError:
        return None, []
    return (json.loads(data), fds) if data else (None, fds)


class Server:
    """The world's pid 1. Ends with the runner, or when the keeper's pipe `alive` closes."""

    def __init__(self, sock, runner, alive):
        self.sock = sock
        self.runner = runner
        self.alive = alive
        self.starting = {}  # read end of the exec pipe -> (request id, pid, wants an answer)
        self.own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self.wake_r, self.wake_w = os.pipe()
        os.set_blocking(self.wake_r, False)
        os.set_blocking(self.wake_w, False)

    def serve(self):
        """Serves until the end; answers the runner's exit status."""
        signal.set_wakeup_fd(self.wake_w, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: os.kill(self.runner, signal.SIGTERM))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        while True:
            ready, _, _ = select.select(
                [self.sock, self.alive, self.wake_r, *self.starting], [], [])
            if self.alive in ready:
                return 1
            for fd in [fd for fd in ready if fd in self.starting]:
                self._started(fd)
            if self.sock in ready:
                self._request()
            if self.wake_r in ready:
                os.read(self.wake_r, 4096)
                status = self._reap()
                if status is not None:
                    return status

    def _request(self):
        message, fds = receive(self.sock)
        if message is None:
            return
        try:
            self._fork(message, fds)
        except OSError as error:
            self._tell({"id": message["id"], "error": str(error)})
        finally:
            for fd in fds:
                os.close(fd)

    def _fork(self, message, fds):
        """Forks into the wanted pid namespace; the child says on a pipe if it could not start."""
        pipe_r, pipe_w = os.pipe()
        try:
            if message.get("join"):
                launch.enter(message["join"], ["pid"])
            elif message.get("new_pids"):
                syscalls.unshare(syscalls.CLONE_NEWPID)
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                launch.child(message, fds, self.sock, pipe_w)
        except OSError:
            os.close(pipe_r)
            raise
        finally:
            os.close(pipe_w)
            syscalls.setns(self.own_pids)
        self.starting[pipe_r] = (message["id"], pid, message["op"] == "spawn")

    def _started(self, fd):
        """The exec pipe closed: started, unless words came through it."""
        number, pid, wants_pid = self.starting.pop(fd)
        words = os.read(fd, 4096)
        os.close(fd)
        if words:
            self._tell({"id": number, "error": words.decode(errors="replace")})
        elif wants_pid:
            self._tell({"id": number, "pid": pid})

    def _reap(self):
        """Reaps all ended processes; the runner's status when it is among them."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return 1
            if pid == 0:
                return None
            if pid == self.runner:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
            for fd in [fd for fd, entry in self.starting.items() if entry[1] == pid]:
                self._started(fd)
            self._tell({"exit": pid, "status": os.waitstatus_to_exitcode(status)})

    def _tell(self, message):
        """Sends to the runner. One that has ended hears nothing: its status comes when it is
        reaped, which may be after the ends of others that died with it."""
        try:
            send(self.sock, message)
        except ConnectionError:
            pass


class Process:
    """A started process. `returncode` is None while it runs, -N when signal N ended it."""

    def __init__(self, pid):
        self.pid = pid
        self.returncode = None
        self._ended = threading.Event()

    def wait(self, timeout_s=None):
        """Waits for the end; answers the return code, or None when the time is over."""
        self._ended.wait(timeout_s)
        return self.returncode

    def kill(self, number=signal.SIGKILL):
        """Sends a signal; nothing happens when the process has ended."""
        if self.returncode is None:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                pass

    def _end(self, status):
        self.returncode = status
        self._ended.set()


class _Pending:
    """The place where an answer arrives."""

    def __init__(self):
        self.event = threading.Event()
        self.message = None
        self.fds = []
        self.process = None


class Client:
    """The runner's side of the spawner; all methods may be called from any thread."""

    def __init__(self, sock):
        self.sock = sock
        self._lock = threading.Lock()
        self._next = 0
        self._pending = {}
        self._processes = {}
        threading.Thread(target=self._read, daemon=True, name="spawner").start()

    def sandbox(self, request):
        """Makes namespaces (launch.make_sandbox); answers {"net": fd, "uts": fd, ...}."""
        pending = self._call({**request, "op": "sandbox"}, [])
        return dict(zip(pending.message["names"], pending.fds))

    def spawn(self, request, fds):
        """Starts a process (launch.start_process); `fds` are stdin, stdout, stderr, namespaces."""
        return self._call({**request, "op": "spawn"}, fds).process

    def _call(self, request, fds):
        pending = _Pending()
        with self._lock:
            self._next += 1
            number = self._next
            self._pending[number] = pending
            send(self.sock, {**request, "id": number}, fds)
        if not pending.event.wait(60):
            raise SpawnError("the world's pid 1 did not answer within 60 s")
        if "error" in pending.message:
            raise SpawnError(pending.message["error"])
        return pending

    def _read(self):
        """Reads answers and ends. A Process is entered here, so that its end cannot come first."""
        while True:
            message, fds = receive(self.sock)
            if message is None:
                print("# the world's pid 1 is gone", file=sys.stderr)
                return
            if "exit" in message:
                process = self._processes.pop(message["exit"], None)
                if process:
                    process._end(message["status"])  # pylint: disable=protected-access
                continue
            with self._lock:
                pending = self._pending.pop(message["id"])
            pending.message, pending.fds = message, fds
            if "pid" in message:
                pending.process = Process(message["pid"])
                self._processes[message["pid"]] = pending.process
            pending.event.set()
