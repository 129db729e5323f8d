"""Somebody between a pod and its upstream who cuts, holds or changes what the upstream sends.

The node turns the pod's connections to the upstream's port to the test process, which passes
everything on, byte for byte, over sockets of its own, with the pod's address as the source.
"""

import itertools
import socket
import struct
import threading

from . import faults

CHUNK = 65_536
_marks = itertools.count(0x100)


class Interposer:
    """Stands between `client` and `upstream` (pods) for new connections. Context manager. IPv4.

    A blow is struck at byte `offset` (0 is the first) of what the upstream sends in the first
    connection that reaches it, once; before, after and elsewhere all passes. `struck` is set then.
    `longest` is the most bytes that any connection has brought so far. The client must keep its
    address meanwhile.
    """

    def __init__(self, network, client, upstream, port=5432):
        self.struck = threading.Event()
        self.longest = 0
        self._net, self._client, self._upstream, self._port = network, client, upstream, port
        self._blow = None
        self._lock = threading.Lock()
        self._sockets = set()
        self._mark = next(_marks)
        self._listener = socket.create_server(("0.0.0.0", 0), backlog=64)
        self._rules = self._redirect(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True, name="interposer").start()

    def _redirect(self, port):
        tcp = ["-p", "tcp"]
        return faults.Cut([
            ("iptables", ["PREROUTING", "-t", "nat", "-i", self._client.interface, *tcp, "-d",
                          self._upstream.ip, "--dport", str(self._port), "-j", "REDIRECT",
                          "--to-ports", str(port)]),
            ("iptables", ["POSTROUTING", "-t", "nat", *tcp, "-m", "mark", "--mark",
                          hex(self._mark), "-j", "SNAT", "--to-source", self._client.ip])])

    def cut_at(self, offset):
        """Ends the connection with a reset instead of passing the byte on."""
        self._strike_at(offset, "cut")

    def flip_at(self, offset, bit=0):
        """Changes one bit of the byte."""
        self._strike_at(offset, bit)

    def hold_at(self, offset):
        """Passes nothing on from that byte, while the connection stays."""
        self._strike_at(offset, "hold")

    def _strike_at(self, offset, how):
        with self._lock:
            self.struck.clear()
            self._blow = (offset, how)

    def close(self):
        """Steps aside: connections that go through here end."""
        self._rules.heal()
        self._listener.close()
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        for one in sockets:
            _shut(one)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near):
        far = socket.socket()
        with self._lock:
            self._sockets |= {near, far}
        try:
            far.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, self._mark)
            far.connect((self._upstream.ip, self._port))
        except OSError:
            _reset(near)
            far.close()
            return
        up = threading.Thread(target=self._pass_up, args=(near, far), daemon=True)
        up.start()
        self._pass_down(far, near)
        up.join()
        with self._lock:
            self._sockets -= {near, far}
        near.close()
        far.close()

    @staticmethod
    def _pass_up(near, far):
        """From the client to the upstream."""
        try:
            while data := near.recv(CHUNK):
                far.sendall(data)
            far.shutdown(socket.SHUT_WR)
        except OSError:
            _shut(far)

    def _pass_down(self, far, near):
        """From the upstream to the client, where blows are struck."""
        passed = 0
        try:
            while data := far.recv(CHUNK):
                data, how = self._struck_part(data, passed)
                near.sendall(data)
                passed += len(data)
                self.longest = max(self.longest, passed)
                if how == "cut":
                    _reset(near)
                    _shut(far)
                    return
                if how == "hold":
                    while far.recv(CHUNK):
                        pass
                    return
            near.shutdown(socket.SHUT_WR)
        except OSError:
            _shut(near)

    def _struck_part(self, data, passed):
        """What shall be passed on of the bytes after `passed`, and the blow that fell."""
        with self._lock:
            if not self._blow or not passed <= self._blow[0] < passed + len(data):
                return data, None
            (offset, how), self._blow = self._blow, None
        self.struck.set()
        place = offset - passed
        if isinstance(how, str):
            return data[:place], how
        return data[:place] + bytes([data[place] ^ 1 << how]) + data[place + 1:], how


def _reset(sock):
    """Closes with RST, as a dead upstream's kernel does."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    _shut(sock, socket.SHUT_RD)  # wakes who reads from it, without a FIN
    sock.close()


def _shut(sock, how=socket.SHUT_RDWR):
    try:
        sock.shutdown(how)
    except OSError:
        pass
