"""What runs in a pod, as a manifest says it: containers, rights, probes."""

import os
import signal
import subprocess
from dataclasses import dataclass, field

# "drop: [ALL], add: [...]" of an init container that mends permissions (design.md, section 2).
INIT_CAPS = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETUID", "SETGID")
OWNER = 999


@dataclass
class Probe:
    """An exec probe (`argv`) or an HTTP probe (`port`, `path`). Times in seconds."""

    argv: tuple = ()
    port: int = 0
    path: str = "/"
    period_s: float = 1.0
    timeout_s: float = 1.0
    failures: int = 3
    delay_s: float = 0.0


@dataclass
class Container:
    """One container: what it runs and with which rights.

    `caps` None keeps root's capabilities as they are; () drops all. `read_only` lists mounts that
    this container may not write to. `stop_signal` is that of a main container's image.
    """

    name: str
    argv: tuple
    uid: int = OWNER
    gid: int = OWNER
    groups: tuple = ()
    caps: tuple = ()
    no_new_privs: bool = True
    env: dict = field(default_factory=dict)
    read_only: tuple = ()
    stop_signal: int = signal.SIGTERM


@dataclass
class PodSpec:
    """A pod template. `init` run in order; `sidecars` after them (native: restarted for ever,
    ended after the main container); then `main`."""

    main: Container
    init: tuple = ()
    sidecars: tuple = ()
    startup: Probe = None
    liveness: Probe = None
    readiness: Probe = None
    pre_stop: tuple = ()
    grace_s: float = 10.0


REDIS_PLAIN = ("redis-server", "--port", "6379", "--dir", "/data", "--cluster-enabled", "yes",
               "--protected-mode", "no", "--save", "", "--repl-diskless-sync-delay", "0")


def plain(argv=REDIS_PLAIN, fs_group=True):
    """A server without ordain, for proofs of the lab itself."""
    ping = ("sh", "-c", "redis-cli ping | grep -q PONG")
    groups = (OWNER,) if fs_group else ()
    return PodSpec(main=Container("main", tuple(argv), groups=groups),
                   readiness=Probe(ping), liveness=Probe(ping, period_s=5.0))


# The official image's entrypoint becomes postgres. STOPSIGNAL is SIGINT there: a fast shutdown.
POSTGRES_PLAIN = ("docker-entrypoint.sh", "postgres")
POSTGRES_STOP = signal.SIGINT
SERVERS = {"redis": ("redis-server", "/etc/redis/redis.conf"),
           "postgres": (*POSTGRES_PLAIN, "-c", "config_file=/etc/postgresql/postgresql.conf")}


def plain_postgres(argv=POSTGRES_PLAIN, fs_group=True):
    """The official image without ordain, probed as most people do, but by TCP: to its socket the
    entrypoint's temporary server answers too."""
    ready = ("pg_isready", "-U", "postgres", "-h", "127.0.0.1")
    groups = (OWNER,) if fs_group else ()
    return PodSpec(main=Container("main", tuple(argv), groups=groups, stop_signal=POSTGRES_STOP),
                   readiness=Probe(ready, timeout_s=3.0))


def postgres(**options):
    """The pod template of a replicated Postgres; `options` as for `ordain`."""
    return ordain("postgres", **options)


def ordain(engine="redis", root_init=True, install=True, server=None, agent=False,
           probe_period_s=1.0):
    """The pod template that ordain's manifests have.

    `root_init`: init as root with INIT_CAPS, else as the owner with no capability at all (the
    *restricted* standard). `install`: the main container finds the binary where `ordain install`
    put it, as a foreign image has to; else in the lab's /usr/local/bin.
    """
    server = server or SERVERS[engine]
    rights = {"uid": 0, "gid": 0, "caps": INIT_CAPS, "no_new_privs": True} if root_init else {}
    binary = "/ordain/bin/ordain" if install else "ordain"
    init = [Container("init", ("ordain", "init", engine), **rights)]
    if install:
        init.insert(0, Container("install", ("ordain", "install", "/ordain/bin"), **rights))
    sidecars = (Container("agent", ("ordain", "agent", engine)),) if agent else ()
    main = Container("main", (binary, "exec", engine, "--", *server),
                     read_only=("/ordain/bin",) if install else (),
                     stop_signal=POSTGRES_STOP if engine == "postgres" else signal.SIGTERM)
    return PodSpec(main=main, init=tuple(init), sidecars=sidecars,
                   startup=Probe((binary, "probe", engine, "startup"), period_s=0.2,
                                 failures=600),
                   liveness=Probe((binary, "probe", engine, "liveness"), period_s=5.0),
                   readiness=Probe((binary, "probe", engine, "readiness"),
                                   period_s=probe_period_s))


def server(name):
    """The program for Lab(server=...): "redis-7.0" (None: the machine's own), "redis-8.0",
    "valkey-8.1". The others come from $SERVERS or, failing that, tests/servers/fetch."""
    if name == "redis-7.0":
        return None
    kind, _, version = name.partition("-")
    return os.path.join(servers(), f"{kind}-server-{version}")


def servers():
    """The directory of the servers that Debian 12 does not have: tests/servers/fetch says it."""
    fetch = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "servers", "fetch")
    return os.environ.get("SERVERS") or subprocess.run(
        [fetch], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def killed_at(argv, call, nth):
    """A command that kills `argv` (SIGKILL) when it enters the nth call of these system calls.

    `call` as strace takes it: "rename,renameat2", "%file", "fsync,fdatasync". When there are fewer
    such calls the command ends as `argv` does: so nth = 1, 2, ... walks through all steps until
    the command succeeds. Each process of `argv` has a count of its own.
    """
    return ("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
            "-e", f"inject={call}:signal=SIGKILL:when={nth}", *argv)
