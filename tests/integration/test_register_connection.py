#!/usr/bin/python3
"""The register on Kubernetes where the API server cannot be reached, is slow, or is not to be trusted."""

import contextlib
import os
import socket
import subprocess
import sys
import threading

from dns_stage import case, equal, main, true
from kube_server import ApiServer, configmap, http
from register_stage import (ACCOUNT, BORN, HOST, PORT, WHERE, api, authority, certificate, drive, driver, fails, mount,
                            prepare)


# ---- the connection


@contextlib.contextmanager
def listens(serve):
    """A server of bytes on the API's port: `serve` gets each connection."""
    sock = socket.create_server((HOST, PORT))

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(sock.accept()[0],), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    try:
        yield
    finally:
        sock.shutdown(socket.SHUT_RDWR)
        sock.close()


@case
def nobody_there_is_waited_for():
    mount()
    run = drive(75, "get", "a", timeout_ms=600, err="the API server at 127.0.0.1:6443 cannot be asked: ")
    true("connect" in run.err.lower() and 0.6 <= run.seconds < 3, f"{run.seconds:.2f} s, {run.err}")

    with subprocess.Popen([driver(), "kubernetes", "20000", "get", "a"], env={**os.environ, **WHERE}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        true("waiting for the register" in run.stderr.readline(), "it says what it waits for")
        with ApiServer(HOST, PORT, *certificate()) as server:
            server.put(configmap({**BORN, "a": "1"}))
            equal(run.communicate(timeout=20)[0], "a=1\n", "a server that starts")


@case
def a_black_hole_costs_no_more_than_the_deadline():
    mount()
    held = socket.create_server((HOST, PORT), backlog=0)
    queue = [socket.socket() for _ in range(4)]
    for one in queue:
        one.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            one.connect((HOST, PORT))
    run = drive(75, "get", "a", timeout_ms=700, err="cannot be asked")
    true(0.7 <= run.seconds < 3, f"took {run.seconds:.2f} s")
    for one in (*queue, held):
        one.close()


@case
def a_slow_answer_costs_no_more_than_the_deadline():
    with api() as server:
        done = threading.Event()

        def drips(exchange):
            exchange.send(http(200, "{", length=1000))
            with contextlib.suppress(OSError):
                while not done.wait(0.05):
                    exchange.send(b" ")
        fails(server, drips, 75, "cannot be asked")
        fails(server, lambda exchange: done.wait(1) and False, 75, "cannot be asked")
        done.set()


@case
def no_tls_is_told():
    mount()
    with listens(lambda sock: (sock.sendall(http(400, "Client sent an HTTP request")), sock.close())):
        drive(75, "get", "a", timeout_ms=600, err="it speaks no TLS there, or broke it off")
    with listens(lambda sock: (sock.recv(10), sock.close())):
        drive(75, "get", "a", timeout_ms=600, err="cannot be asked")


@case
def a_certificate_must_be_of_the_authority_for_the_address_and_of_today():
    with api(cert=certificate(by="other")) as server:
        fails(server, None, 78, "unable to get local issuer certificate")
    with api(cert=certificate(days=-1)) as server:
        fails(server, None, 78, "certificate has expired")
    with api(cert=certificate(("10.0.0.1", "kubernetes.default.svc"))) as server:
        fails(server, None, 78, "127.0.0.1")
    with api(cert=certificate(("localhost",))) as server:
        fails(server, None, 78, "127.0.0.1")
        equal(server.asked(), 0, "no token was shown")
    with api() as server:
        mount(ca="garbage")
        drive(78, "get", "a", err="cannot be asked")
        mount(ca=authority("other").text("ca.crt") + authority("ca").text("ca.crt"))
        drive(0, "get", "a")
        (ACCOUNT / "ca.crt").write_bytes(b"a\0b")
        drive(78, "get", "a", err="holds no certificates")


@case
def a_new_authority_is_taken_within_a_command():
    with api(configmap({**BORN, "a": "1"})) as server:
        def rotates(_exchange):
            mount(ca=authority("ca").text("ca.crt") + authority("other").text("ca.crt"))
            return True
        server.script = [rotates]
        equal(drive(0, "again", "3", "a").out, "a=1\n" * 3, "readings")
        equal(server.connections, 2, "connections: the new files ask for a new handshake, once")


@case
def a_reading_takes_milliseconds():
    with api(configmap({**BORN, "a": "1"})):
        times = [int(line) for line in drive(0, "time", "50", "a").out.split()]
    print(f"# microseconds, sanitized: the first {times[0]}, the others {sorted(times[1:])[24]}")
    true(sorted(times[1:])[24] < 20_000, f"{times}")


if __name__ == "__main__":
    sys.exit(main(prepare))
