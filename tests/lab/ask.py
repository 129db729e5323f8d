"""One DNS question, asked from inside a pod: what its resolver's server says, code and addresses.

`python3 ask.py NAME A|AAAA [SERVER]` prints the RCODE's name (or SILENCE after one second) and the
addresses of the answer. The server is that of /etc/resolv.conf. UDP only (RFC 1035 4.1).
"""

import random
import socket
import struct
import sys

CODES = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}
KINDS = {"A": (1, socket.AF_INET), "AAAA": (28, socket.AF_INET6)}


def question(name, kind):
    """A query packet with a random id, recursion desired."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.strip(".").split("."))
    head = struct.pack("!HHHHHH", random.getrandbits(16), 0x0100, 1, 0, 0, 0)
    return head + labels + b"\0" + struct.pack("!HH", KINDS[kind][0], 1)


def answers(packet, kind):
    """The RCODE's name and the addresses of a reply."""
    _, flags, _, count, _, _ = struct.unpack("!HHHHHH", packet[:12])
    place = packet.index(b"\0", 12) + 5
    found = []
    for _ in range(count):
        # dnsmasq compresses every owner name to two octets
        number, _, _, size = struct.unpack("!HHIH", packet[place + 2:place + 12])
        place += 12 + size
        if number == KINDS[kind][0]:
            found.append(socket.inet_ntop(KINDS[kind][1], packet[place - size:place]))
    return CODES.get(flags & 15, str(flags & 15)), found


def main(name, kind, server=None):
    """Asks and prints."""
    if server is None:
        with open("/etc/resolv.conf", encoding="ascii") as file:
            server = next(line.split()[1] for line in file if line.startswith("nameserver"))
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1)
        sock.connect((server, 53))
        try:
            sock.send(question(name, kind))
            code, found = answers(sock.recv(65_535), kind)
        except OSError:
            code, found = "SILENCE", []
    print(code, *sorted(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
