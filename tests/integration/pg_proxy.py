"""A wire between a client and a server on which something happens at the n-th byte that the server sends."""

import contextlib
import socket
import threading


class Proxy:
    """Listens at ADDRESS for the server at UPSTREAM; counts over all conversations."""

    def __init__(self, address, upstream):
        self.upstream, self.count, self.at, self.act, self.flip = upstream, 0, None, None, False
        self._listener = socket.create_server((address, 5432), backlog=16)
        threading.Thread(target=self._serve, daemon=True).start()

    def arm(self, at, act=None):
        """At byte AT from now on: ACT(), or else one bit of it is turned."""
        self.count, self.at, self.act, self.flip = 0, at, act, act is None

    def close(self):
        """Listens no longer."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((self.upstream, 5432))
            except OSError:
                client.close()
                continue
            threading.Thread(target=self._pump, args=(client, server, lambda data: data), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, self._watch), daemon=True).start()

    @staticmethod
    def _pump(source, target, through):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 17):
                target.sendall(through(data))
        for sock in (source, target):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _watch(self, data):
        first, self.count = self.count, self.count + len(data)
        if self.at is None or not first <= self.at < self.count:
            return data
        offset, self.at = self.at - first, None
        if self.flip:
            data = bytearray(data)
            data[offset] ^= 1 << (offset % 8)
            return bytes(data)
        self.act()
        return data
