"""An API server's stand-in: ConfigMaps over HTTPS on a real socket, and every way in which answers go wrong.

It holds to what the real one does with one ConfigMap (API conventions): resourceVersion changes with each
update, an update of an older one is a Conflict, RBAC's words, Status objects. A script of faults, one a
request, comes before it.
"""

import copy
import json
import re
import socket
import ssl
import threading

SPACE, NAME = "cache", "redis-ordain"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.secret.signature"
ACCOUNT = "redis"


def http(status, body=b"", kind="application/json", headers=(), length=None):
    """An answer's bytes. `length`: what Content-Length says instead of the truth, or False: no such line."""
    body = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {kind}", *headers]
    if length is not False:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def status(code, reason, message, details=None, headers=()):
    """A Status object, as the API server sends one."""
    return http(code, json.dumps({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": reason, "details": details or {}, "code": code}), headers=headers)


def configmap(data=None, space=SPACE, name=NAME, **more):
    """A ConfigMap as the API server keeps it; `data` None: it has none."""
    made = {"kind": "ConfigMap", "apiVersion": "v1",
            "metadata": {"name": name, "namespace": space, "uid": "7f1f9a46-0001", "resourceVersion": "1000",
                         "creationTimestamp": "2026-11-23T10:00:00Z",
                         "managedFields": [{"manager": "kubectl", "operation": "Update", "apiVersion": "v1",
                                            "fieldsType": "FieldsV1",
                                            "fieldsV1": {"f:data": {".": {}, "f:x": {}}}}]}}
    made.update(more)
    if data is not None:
        made["data"] = data
    return made


class Request:
    """What was asked."""

    def __init__(self, head, body):
        lines = head.split("\r\n")
        self.method, self.path, _ = lines[0].split(" ")
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        self.body = body


class Exchange:
    """One request, for a fault to deal with. A fault that answers True lets the server answer in its own way; after
    any other one the connection ends, unless it is kept."""

    def __init__(self, server, sock, request):
        self.server, self.sock, self.request, self.keep = server, sock, request, False

    def send(self, data):
        """Sends bytes as they are."""
        self.sock.sendall(data)

    def own(self):
        """What the server does and would say by itself."""
        return self.server.answer(self.request)

    def cut(self):
        """Ends the connection, with a reset where the client has sent more."""
        raise ConnectionAbortedError


class ApiServer:
    """`objects`: {(namespace, name): ConfigMap}; `tokens`: those that count; `rights`: the account's verbs;
    `requests`: what was asked so far; `script`: faults for the next requests; `always`: a fault for all others."""

    def __init__(self, host="127.0.0.1", port=6443, cert=None, key=None):
        self.objects, self.tokens, self.rights = {}, {TOKEN}, {"get", "update"}
        self.requests, self.script, self.always, self.connections = [], [], None, 0
        self._lock = threading.Lock()
        self._version = 1000
        self._tls = None
        if cert:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(cert, key)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=100)
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Nobody listens there any more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def put(self, made):
        """Stores a ConfigMap as somebody else would."""
        with self._lock:
            self._version += 1
            made["metadata"]["resourceVersion"] = str(self._version)
            self.objects[(made["metadata"]["namespace"], made["metadata"]["name"])] = made

    def data(self, space=SPACE, name=NAME):
        """The ConfigMap's data now."""
        with self._lock:
            return dict(self.objects[(space, name)].get("data") or {})

    def asked(self, method=None):
        """How many requests of this method there were."""
        with self._lock:
            return sum(method in (None, one.method) for one in self.requests)

    # ---- connections

    def _accept(self):
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as Go does
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with self._lock:
            self.connections += 1
        try:
            if self._tls:
                sock = self._tls.wrap_socket(sock, server_side=True)
            while self._one(sock):
                pass
        except (OSError, ValueError):
            pass
        finally:
            sock.close()

    def _one(self, sock):
        """One request and its answer; false when the connection is at its end."""
        request = _receive(sock)
        if request is None:
            return False
        with self._lock:
            self.requests.append(request)
            fault = self.script.pop(0) if self.script else self.always
        exchange = Exchange(self, sock, request)
        if fault is None or fault(exchange) is True:
            exchange.send(exchange.own())
            return True
        return exchange.keep

    # ---- the API

    def answer(self, request):
        """Does what was asked; the answer's bytes."""
        path, _, query = request.path.partition("?")
        found = re.fullmatch(r"/api/v1/namespaces/([a-z0-9-]+)/configmaps/([a-z0-9.-]+)", path)
        bounded = re.fullmatch(r"timeout=([1-9]|1[0-5])s", query)  # an update that is given up is not stored later
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return status(401, "Unauthorized", "Unauthorized")
        if bool(bounded) != (request.method == "PUT"):
            return http(400, f"what is '{query}' for a {request.method}?\n", "text/plain; charset=utf-8")
        if not found:
            return http(404, "404 page not found\n", "text/plain; charset=utf-8")
        verb = {"GET": "get", "PUT": "update"}[request.method]
        space, name = found.groups()
        if verb not in self.rights:
            return status(403, "Forbidden", f'configmaps "{name}" is forbidden: User "system:serviceaccount:'
                          f'{space}:{ACCOUNT}" cannot {verb} resource "configmaps" in API group "" in the '
                          f'namespace "{space}"', {"name": name, "kind": "configmaps"})
        with self._lock:
            if (space, name) not in self.objects:
                return status(404, "NotFound", f'configmaps "{name}" not found',
                              {"name": name, "kind": "configmaps"})
            if verb == "update":
                return self._update((space, name), json.loads(request.body))
            return http(200, json.dumps(self.objects[(space, name)]))

    def _update(self, place, wished):
        old, name = self.objects[place], place[1]
        if wished["metadata"]["resourceVersion"] != old["metadata"]["resourceVersion"]:
            return status(409, "Conflict", f'Operation cannot be fulfilled on configmaps "{name}": the object has '
                          "been modified; please apply your changes to the latest version and try again",
                          {"name": name, "kind": "configmaps"})
        if old.get("immutable"):
            return status(422, "Invalid", f'ConfigMap "{name}" is invalid: data: Forbidden: field is immutable when '
                          "`immutable` is set")
        made = copy.deepcopy(wished)
        if made != old:
            self._version += 1
            made["metadata"]["resourceVersion"] = str(self._version)
            self.objects[place] = made
        return http(200, json.dumps(made))


def _receive(sock):
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65_536)
        if not more:
            return None
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    request = Request(head.decode(), b"")
    while len(body) < int(request.headers.get("content-length", 0)):
        more = sock.recv(65_536)
        if not more:
            return None
        body += more
    request.body = body
    return request


# ---- faults

def says(answer, keep=False):
    """Sends these bytes, and closes unless the connection is to be kept."""
    def fault(exchange):
        exchange.send(answer)
        exchange.keep = keep
    return fault


def lost(exchange):
    """Does as it is told, and never says so."""
    exchange.own()
    exchange.cut()


def cut(exchange):
    """Does nothing and goes away."""
    exchange.cut()
