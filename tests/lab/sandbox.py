"""The namespaces of one pod or job, and the processes started in them."""

import os

from . import spec


class Result:
    """How a command ended: `rc` (-N: by signal N; None: it was killed at its deadline), `out`,
    `err` (text)."""

    def __init__(self, rc, out, err):
        self.rc, self.out, self.err = rc, out, err

    def __repr__(self):
        return f"rc {self.rc}\nstdout: {self.out}\nstderr: {self.err}"


class Mounts:
    """The directories behind one life of a pod: emptyDirs, the volume, shared and secret ones.

    The emptyDirs `config` (where the image's template has it), `bin` (/ordain/bin) and those that
    the image names are writable for everybody, as the kubelet makes them (with `fs_group`: group
    999, setgid). `extra`: (source, target, read_only)s.
    """

    def __init__(self, directory, image, volume=None, extra=(), fs_group=False):
        self.directory = directory
        self.volume = volume
        self.extra = list(extra)
        self._empty_dirs = (("config", image.config), ("bin", "/ordain/bin"), *image.empty_dirs)
        for name in dict(self._empty_dirs):
            os.makedirs(os.path.join(directory, name))
            if fs_group:
                os.chown(os.path.join(directory, name), 0, spec.OWNER)
            os.chmod(os.path.join(directory, name), 0o2777 if fs_group else 0o777)
        self.termination_log = os.path.join(directory, "termination-log")
        with open(self.termination_log, "w", encoding="ascii"):
            pass
        os.chmod(self.termination_log, 0o666)

    @property
    def config(self):
        """The config directory (/etc/redis or /etc/postgresql) as the test process sees it."""
        return os.path.join(self.directory, "config")

    def binds(self):
        """What rootfs.build shall bind."""
        rows = [(os.path.join(self.directory, name), target, False)
                for name, target in self._empty_dirs]
        rows.append((self.termination_log, "/dev/termination-log", False))
        if self.volume:
            rows.append((self.volume.path, "/data", False))
        return rows + self.extra


class Sandbox:
    """Namespaces with an address. `names`: hostname, interface; `addresses`; `mounts`."""

    def __init__(self, lab, hostname, interface, addresses, mounts):
        self.lab = lab
        self.hostname = hostname
        self.interface = interface
        self.addresses = addresses
        self._fds = {}
        root = os.path.join(mounts.directory, "root")
        os.makedirs(root, exist_ok=True)
        request = lab.net.sandbox_request(interface, addresses)
        request["hostname"] = hostname
        request["root"] = {"path": root, "local": lab.local_dir, "binds": mounts.binds(),
                           "files": self._files()}
        self._fds = lab.world.spawner.sandbox(request)
        lab.net.attach(interface, addresses)

    def _files(self):
        """What the kubelet writes into each container's /etc."""
        dns = self.lab.dns
        full = dns.name_of(self.hostname)
        search = f"{dns.namespace}.svc.{dns.domain} svc.{dns.domain} {dns.domain}"
        resolv = "".join(f"nameserver {address}\n" for address in dns.addresses[:1])
        hosts = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
        hosts += [f"{address} {full} {self.hostname}" for address in self.addresses]
        return {"/etc/resolv.conf": (f"search {search}\n{resolv}options ndots:5\n", 0o644),
                "/etc/hosts": ("\n".join(hosts) + "\n", 0o644),
                "/etc/hostname": (self.hostname + "\n", 0o644),
                **{path: (text, 0o644) for path, text in self.lab.image.etc.items()}}

    def start(self, container, env, out, err):
        """Starts a container: its own pid namespace and /proc, no other process in it."""
        names = list(self._fds)
        request = {"argv": list(container.argv), "env": env, "new_pids": True,
                   "read_only": list(container.read_only), **_rights(container)}
        with open(os.devnull, "rb") as null:
            return self.lab.world.spawner.spawn(
                request, [null.fileno(), out, err, *[self._fds[name] for name in names]])

    def execute(self, argv, container, env, join=None, timeout_s=None, stdin=b""):
        """Runs a command to its end with `container`'s rights; answers a Result.

        `join` is the pid of a running container (exec), else the command gets a container of its
        own in this sandbox. At the deadline it is killed and `rc` is None.
        """
        fds = [os.memfd_create(name) for name in ("in", "out", "err")]
        try:
            os.write(fds[0], stdin)
            os.lseek(fds[0], 0, os.SEEK_SET)
            request = {"argv": list(argv), "env": env, **_rights(container)}
            if join:
                request["join"] = join
                process = self.lab.world.spawner.spawn(request, fds)
            else:
                request["new_pids"] = True
                process = self.lab.world.spawner.spawn(request, fds + list(self._fds.values()))
            rc = process.wait(timeout_s)
            if rc is None:
                process.kill()
                process.wait(5)
            return Result(rc, _text(fds[1]), _text(fds[2]))
        finally:
            for fd in fds:
                os.close(fd)

    def close(self):
        """Takes the wire away and lets the namespaces go."""
        self.lab.net.detach(self.interface)
        for fd in self._fds.values():
            os.close(fd)
        self._fds = {}


def user(uid=spec.OWNER, gid=None, caps=(), no_new_privs=True):
    """Rights for a command that is no container of the template."""
    return spec.Container("command", (), uid=uid, gid=uid if gid is None else gid, caps=caps,
                          no_new_privs=no_new_privs)


def _rights(container):
    return {"uid": container.uid, "gid": container.gid, "groups": list(container.groups),
            "caps": None if container.caps is None else list(container.caps),
            "no_new_privs": container.no_new_privs}


def _text(fd):
    size = os.fstat(fd).st_size
    return os.pread(fd, size, 0).decode(errors="replace")
