"""The stage of the register's tests on Kubernetes: a driver on the library, built with sanitizers, a service account's
files in a mount namespace, and the API server's stand-in on the loopback."""

import contextlib
import functools
import os
import pathlib
import subprocess
import tempfile

import common  # noqa: F401  pylint: disable=unused-import # the way to the lab, for redis_proofs
from dns_stage import ROOT, Run, equal, true
from kube_server import TOKEN, ApiServer, configmap
from redis_proofs import Authority

ACCOUNT = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")
HOST, PORT = "127.0.0.1", 6443
WHERE = {"KUBERNETES_SERVICE_HOST": HOST, "KUBERNETES_SERVICE_PORT": str(PORT)}
BORN = {"format": "1", "cluster-id": "cache/redis"}
SOURCES = ["tests/integration/register_driver.c"] + [f"init/{name}.c" for name in (
    "net/addr", "net/http", "register/file", "register/kube_access", "register/kube_answer", "register/kubernetes",
    "register/none", "register/register", "register/table", "sys/buf", "sys/bug", "sys/clock", "sys/err", "sys/file",
    "sys/json", "sys/json_syntax", "sys/log", "sys/random", "sys/utf8")] + ["roles/text.c"]


@functools.lru_cache
def driver():
    """register_driver.c with what it drives."""
    program, deps = tempfile.mkdtemp() + "/driver", "build/deps/debug"
    subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-g", "-fsanitize=address,undefined",
                    "-fno-sanitize-recover=all", "-I.", "-isystem", f"{deps}/include", "-isystem",
                    f"{deps}/include/cjson", "-o", program, *SOURCES, f"-L{deps}/lib", "-lcurl", "-lcjson", "-lssl",
                    "-lcrypto", "-lm"], check=True, cwd=ROOT)
    return program


@functools.lru_cache
def authority(name):
    return Authority(os.path.join(tempfile.mkdtemp(), name), name)


@functools.lru_cache
def certificate(names=(HOST, "::1", "localhost"), days=2, by="ca"):
    """Paths of certificate and key."""
    cert, key = authority(by).issue(names, days)
    paths = [authority(by).path(f"{abs(hash((names, days)))}.{kind}") for kind in ("crt", "key")]
    for path, text in zip(paths, (cert, key)):
        pathlib.Path(path).write_text(text, encoding="ascii")
    return tuple(paths)


def mount(token=TOKEN, ca=None):
    """What the kubelet mounts; it replaces both."""
    ACCOUNT.mkdir(parents=True, exist_ok=True)
    for name, text in (("token", token), ("ca.crt", ca or authority("ca").text("ca.crt"))):
        (ACCOUNT / (name + ".new")).write_text(text, encoding="ascii")
        os.replace(ACCOUNT / (name + ".new"), ACCOUNT / name)


@contextlib.contextmanager
def api(made=None, host=HOST, cert=None):
    """A server with the register's ConfigMap, empty where none is given; None: without."""
    mount()
    with ApiServer(host, PORT, *(cert or certificate())) as server:
        server.put(made or configmap())
        yield server


def drive(code, *words, timeout_ms=5000, env=None, err="", setting="kubernetes"):
    """Runs the driver and holds it to an exit status, one error line and a part of that. The token is never told."""
    run = Run(driver(), setting, timeout_ms, *words, env=WHERE if env is None else env)
    equal(run.status, code, f"status of {words} ({run.err[-800:]!r})")
    true(err in run.err, f"{err!r} is not in {run.err!r}")
    errors = [line for line in run.err.splitlines() if line.startswith("error: ")]
    equal(len(errors), int(code != 0), f"error lines of {run.err!r}")
    true(TOKEN not in run.out + run.err, f"the token is told: {run.err!r}")
    return run


def fails(server, fault, code, err, *words, timeout_ms=700, asked=None):
    """With this fault at each request the driver ends so, twice, and the register is as it was."""
    before = server.data()
    for _ in range(2):
        server.requests.clear()
        server.always = fault
        run = drive(code, *(words or ("get", "a")), timeout_ms=timeout_ms, err=err)
        server.always = None
        true(run.seconds < timeout_ms / 1000 + 3, f"took {run.seconds:.1f} s")
        if asked:
            equal(server.asked(), asked, f"requests at {err!r}")
    equal(server.data(), before, "the register")


def prepare():
    """Before the cases."""
    mount()
    driver()
