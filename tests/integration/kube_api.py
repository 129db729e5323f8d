"""The API server's stand-in where pods find it: at the address that each is told, with the token and the certificate
that the kubelet mounts. What the scenarios of registers on Kubernetes share."""

import contextlib
import os
import subprocess

from kube_server import TOKEN, ApiServer, configmap
from redis_proofs import Authority

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
ADDRESS, PORT = "10.96.0.1", 443
SPACE = "default"


class Api:
    """The stand-in with its certificate and one ConfigMap, NAME; it can be away."""

    def __init__(self, world, name):
        subprocess.run(["ip", "address", "replace", f"{ADDRESS}/32", "dev", "lo"], check=True)
        self.name = name
        self.authority = Authority(os.path.join(world.dir, "api-ca"))
        self.paths = [self.authority.path(f"api.{kind}") for kind in ("crt", "key")]
        for path, text in zip(self.paths, self.authority.issue([ADDRESS, "kubernetes.default.svc"])):
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
        self.server = ApiServer(ADDRESS, PORT, *self.paths)
        self.server.put(configmap(space=SPACE, name=name))

    def secret(self):
        """What the kubelet mounts into each pod."""
        return {ACCOUNT: {"token": TOKEN, "ca.crt": self.authority.text("ca.crt"), "namespace": SPACE}}

    def data(self):
        """The ConfigMap's data, also while the server is away."""
        return self.server.data(SPACE, self.name)

    def away(self):
        """Connections are refused from now on."""
        self.server.close()

    def back(self):
        """The same objects again, as after a restart of the API server."""
        old, self.server = self.server, ApiServer(ADDRESS, PORT, *self.paths)
        self.server.objects = old.objects

    def close(self):
        """For contextlib.closing; it may be away."""
        with contextlib.suppress(OSError):
            self.server.close()
