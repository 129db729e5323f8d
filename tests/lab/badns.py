"""A DNS server with one fixed behaviour, for the times when the cluster's DNS is ill.

`python3 badns.py MODE ADDRESS...` with MODE `servfail`, `refused`, `nxdomain`, `nodata` or
`garbage` (a well-formed header that promises answers which are not there). Answers UDP and TCP on
port 53 of each address until it is killed. "No answer at all" needs no server: faults.py drops the
packets.
"""

import selectors
import signal
import socket
import struct
import sys

CODES = {"servfail": 2, "nxdomain": 3, "refused": 5, "nodata": 0, "garbage": 0}


def answer(query, mode):
    """The reply to a query (RFC 1035 4.1.1): the same question, no records, the mode's RCODE."""
    number, flags = struct.unpack("!HH", query[:4])
    end = query.index(b"\0", 12) + 5
    flags = 0x8400 | (flags & 0x0100) | CODES[mode]
    answers = 3 if mode == "garbage" else 0
    return struct.pack("!HHHHHH", number, flags, 1, answers, 0, 0) + query[12:end]


def serve_udp(sock, mode):
    """Answers one datagram."""
    query, peer = sock.recvfrom(4096)
    if len(query) > 16:
        sock.sendto(answer(query, mode), peer)


def serve_tcp(sock, mode):
    """Answers one question of one connection."""
    connection, _ = sock.accept()
    with connection:
        connection.settimeout(1)
        try:
            data = connection.recv(4096)
            if len(data) > 18:
                reply = answer(data[2:], mode)
                connection.sendall(struct.pack("!H", len(reply)) + reply)
        except OSError:
            pass


def main(mode, addresses):
    """Serves for ever; SIGHUP, which dnsmasq takes for 'read again', is ignored."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    selector = selectors.DefaultSelector()
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for kind, serve in ((socket.SOCK_DGRAM, serve_udp), (socket.SOCK_STREAM, serve_tcp)):
            sock = socket.socket(family, kind)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address, 53))
            if kind == socket.SOCK_STREAM:
                sock.listen()
            selector.register(sock, selectors.EVENT_READ, serve)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            key.data(key.fileobj, mode)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
