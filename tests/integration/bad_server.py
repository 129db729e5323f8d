"""Something at a peer's address that is no Redis server: `python3 bad_server.py FILE PORT`; FILE
names the mode of the next conversation.

Modes: http, half, huge (a bulk of 1 GB announced and sent for ever), deep (arrays in arrays), wide
(an array of 2^31 elements), garbage, silent, closes, endless (a line without end), escape (an error
with control characters), torn (a line feed in an error), lies (well-formed, senseless replies).
"""

import os
import socket
import sys
import threading

CHUNK = b"x" * 65_536


def answer(mode, sock):
    """One conversation."""
    if mode == "closes":
        return
    sock.recv(65_536)
    first = {
        "http": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad",
        "half": b"$40\r\n0123456789",
        "huge": b"$1073741824\r\n",
        "deep": b"*1\r\n" * 100_000,
        "wide": b"*2147483647\r\n",
        "garbage": os.urandom(4096),
        "silent": b"",
        "endless": b"+",
        "escape": b"-ERR \x1b[2J\x1b]0;owned\x07 second \x00 third\r\n" * 8,
        "torn": b"-ERR first\nsecond\r\n" * 8,
        "lies": b":-1\r\n$3\r\nabc\r\n*0\r\n$-1\r\n" * 4,
    }[mode]
    sock.sendall(first)
    while mode in ("huge", "endless", "wide"):
        sock.sendall(CHUNK if mode != "wide" else b":1\r\n" * 10_000)
    if mode != "http":
        sock.recv(1)


def guarded(mode, sock):
    """A client that goes away is no news."""
    with sock:
        try:
            answer(mode, sock)
        except OSError:
            pass


def main(file, port):
    """Serves for ever."""
    server = socket.create_server(("", int(port)), backlog=100)
    while True:
        sock, _ = server.accept()
        with open(file, encoding="ascii") as text:
            mode = text.read()
        threading.Thread(target=guarded, args=(mode, sock), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
