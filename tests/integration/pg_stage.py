"""Real Postgres servers on loopback addresses for tests without pods, the drivers that these compile, and TAP. Needs
root; the servers run as the user `postgres`."""

import contextlib
import functools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEBIAN = pathlib.Path("/usr/lib/postgresql/15")
LIMIT_S = 120
AS_POSTGRES = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--")

CASES = []


def case(function):
    """Its name, with blanks, is the sentence that TAP shows."""
    CASES.append(function)
    return function


class Wrong(Exception):
    """What was seen is not what must be."""


def equal(seen, wanted, what):
    if seen != wanted:
        raise Wrong(f"{what}: {seen!r}, not {wanted!r}")


def true(condition, what):
    if not condition:
        raise Wrong(what)


def wait(ready, what, seconds=30):
    """Until READY() answers something true, which is returned."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ready()
        if answer:
            return answer
        true(time.monotonic() < deadline, f"waited {seconds} s: {what}")
        time.sleep(0.02)


def run(*words, check=True, limit=LIMIT_S, **options):
    """A program to its end, with what it said."""
    options = {"capture_output": True, "text": True, "errors": "replace", "timeout": limit, **options}
    done = subprocess.run([str(word) for word in words], check=False, **options)
    if check and done.returncode != 0:
        raise Wrong(f"{words}: status {done.returncode}: {done.stderr or ''}{done.stdout or ''}")
    return done


@functools.lru_cache
def driver(name, variant="debug", flags=("-fsanitize=address,undefined", "-fno-sanitize-recover=all")):
    """tests/integration/NAME.c with the library of a build that watches: by default address and undefined behaviour."""
    library, deps = f"build/{variant}/libordain.a", "build/deps/" + ("static" if variant == "static" else "debug")
    run("make", "-s", f"-j{os.cpu_count()}", library, cwd=ROOT, limit=900)
    program = f"{tempfile.mkdtemp(dir=scratch())}/{name}"
    compiler = ["build/deps/static/bin/musl-gcc", "-static"] if variant == "static" else ["gcc"]
    run(*compiler, "-std=c11", "-D_GNU_SOURCE", "-g", "-pthread", *flags, "-I.", "-isystem", f"{deps}/include", "-o", program,
        f"tests/integration/{name}.c", library, f"-L{deps}/lib", "-lcurl", "-lpq", "-lpgcommon", "-lpgport", "-lcares",
        "-lcjson", "-llz4", "-lzstd", "-lssl", "-lcrypto", "-lm", cwd=ROOT)
    os.chmod(program, 0o755)
    return program


@functools.lru_cache
def scratch():
    """One directory of this run, removed at its end; others may pass through it."""
    path = tempfile.mkdtemp(prefix="ordain-pg-")
    os.chmod(path, 0o755)
    return path


@functools.lru_cache
def template(home, options):
    """What initdb makes, once."""
    path = tempfile.mkdtemp(dir=scratch())
    shutil.chown(path, "postgres", "postgres")
    run(*AS_POSTGRES, home / "bin/initdb", "--pgdata", f"{path}/data", "--username=postgres", "--auth=trust",
        "--no-sync", "--encoding=UTF8", "--no-locale", *options, cwd="/")
    return f"{path}/data"


class Server:
    """One server: its directory, configuration and process."""

    def __init__(self, address, home=DEBIAN, hba=None, initdb=(), data=None, **settings):
        self.address, self.home, self.port, self.process = address, home, 5432, None
        self.directory = pathlib.Path(tempfile.mkdtemp(dir=scratch()))
        shutil.chown(self.directory, "postgres", "postgres")
        self.data = self.directory / "data"
        if data is not None:
            self.data = pathlib.Path(data)
        else:
            run("cp", "-a", template(home, initdb), self.data)
        self.log = self.directory / "log"
        self.hba = hba or ["local all all trust", "host all all 0.0.0.0/0 trust", "host replication all 0.0.0.0/0 trust"]
        self.settings = {"listen_addresses": address, "unix_socket_directories": self.directory, "fsync": "off",
                         "shared_buffers": "16MB", "max_wal_senders": 24, "max_replication_slots": 24,
                         "logging_collector": "off", "log_checkpoints": "off", "hot_standby": "on"} | settings

    def configure(self, **settings):
        """Writes what the server reads at its start; hba and settings in files of the test, outside the data."""
        self.settings |= settings
        (self.directory / "hba.conf").write_text("\n".join(self.hba) + "\n", encoding="utf-8")
        lines = [f"{name} = '{value}'" for name, value in self.settings.items()]
        lines += [f"data_directory = '{self.data}'", f"hba_file = '{self.directory}/hba.conf'"]
        (self.directory / "postgresql.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def start(self, ready=True, **settings):
        """Starts it; READY: until it takes sessions."""
        self.configure(**settings)
        with open(self.log, "ab") as log:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen(
                [*AS_POSTGRES, self.home / "bin/postgres", "-D", self.directory], stdout=log, stderr=log, cwd="/",
                env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}, start_new_session=True)
        if ready:
            wait(lambda: self.is_ready() or self.process.poll() is not None, f"{self.address} starts\n{self.tail()}")
            true(self.process.poll() is None, f"{self.address} ended: {self.tail()}")
        return self

    def is_ready(self):
        """Line 8 of postmaster.pid (PostgreSQL 15, miscadmin.h)."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"

    def stop(self, how=signal.SIGINT):
        """SIGINT: fast; SIGQUIT: at once; SIGKILL with its children, as a container dies."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if how == signal.SIGKILL:
                os.killpg(self.process.pid, how)
            else:
                self.process.send_signal(how)
        self.process.wait(60)
        self.process = None

    def sql(self, text, database="postgres"):
        """What psql prints for it, over the local socket."""
        return run(DEBIAN / "bin/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.directory, "-U", "postgres", "-d",
                   database, "-c", text).stdout.strip()

    def tail(self):
        """The end of its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:] if self.log.exists() else ""


@contextlib.contextmanager
def server(address, **options):
    """A server that runs, and is gone afterwards with its directory."""
    one = Server(address, **options)
    try:
        one.start()
        yield one
    finally:
        one.stop(signal.SIGKILL)
        shutil.rmtree(one.directory, ignore_errors=True)


def alone():
    """Goes on in a network of its own, where nothing but loopback is, and in which nobody outlives this program."""
    if os.environ.get("PG_STAGE_INSIDE") != "1":
        os.execvpe("unshare", ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable,
                               *sys.argv], {**os.environ, "PG_STAGE_INSIDE": "1"})
    run("ip", "link", "set", "lo", "up")


def drop(address):
    """What goes to ADDRESS is lost from now on: a firewall."""
    run("iptables", "-w", "-A", "INPUT", "-d", address, "-j", "DROP")


def main(*needed):
    """Runs the cases that the command line names (all of them by default) as TAP and ends the program."""
    alone()
    words = sys.argv[1:]
    cases = [function for function in CASES if not words or any(word in function.__name__ for word in words)]
    failed = 0
    print(f"1..{len(cases)}", flush=True)
    try:
        for path in needed:
            true(os.path.exists(path), f"no {path}")
        for number, function in enumerate(cases, 1):
            begin = time.monotonic()
            try:
                function()
                word = "ok"
            except Wrong as wrong:
                word = "not ok"
                print("\n".join("# " + line for line in str(wrong).splitlines()), file=sys.stderr)
            except Exception:  # pylint: disable=broad-except
                word = "not ok"
                print("\n".join("# " + line for line in traceback.format_exc().splitlines()), file=sys.stderr)
            failed += word != "ok"
            print(f"{word} {number} - {function.__name__.replace('_', ' ')} # {time.monotonic() - begin:.1f} s", flush=True)
    finally:
        shutil.rmtree(scratch(), ignore_errors=True)
    sys.exit(1 if failed else 0)
