"""What the scenarios of many files share: a cluster with keys, and the proof that it is whole."""

import os
import re
import subprocess

import lab
from lab import check, equal

KEYS = 1500


def born(one, keys=KEYS, timeout_s=90):
    """A healthy cluster with keys."""
    one.up(timeout_s)
    one.wait_healthy(60)
    one.write_keys(keys)


def settled(one, keys=KEYS, timeout_s=120):
    """Ready, healthy, every key there, and nothing that a replica does not have yet."""
    one.wait_ready(timeout_s)
    one.wait_healthy(timeout_s)
    one.check_keys(keys)
    equal(one.count_keys(), keys, "keys in the cluster")
    replicas_hold(one)


def replicas_hold(one):
    """Every replica has what its master has: then a stop of everything loses nothing."""
    masters = [pod.ordinal for pod in one.controller.wanted() if one.node_of(pod.ordinal).slots]

    def linked(ordinal):
        with one.redis(ordinal) as connection:
            return "slave0:" in connection.call("INFO", "replication")
    one.wait(lambda: all(linked(ordinal) for ordinal in masters), 20, "replicas are linked")
    for ordinal in masters:
        with one.redis(ordinal, 10) as connection:
            connection.call("WAIT", "1", "5000")


def status_is_healthy(one, ordinal=0, **options):
    """`status redis` in a pod says so, and `form` finds nothing to do."""
    pod = one.pods[ordinal]
    result = one.wait(lambda: said_healthy(pod.run("ordain", "status", "redis", **options)), 20,
                      f"{pod.name}: status is healthy",
                      lambda: pod.run("ordain", "status", "redis", **options))
    check("16384 of 16384" in result.out, f"all slots: {result!r}")
    return result


def said_healthy(result):
    """The Result when `status` found nothing wrong, else None."""
    return result if result.rc == 0 and " healthy " in result.out else None


def whole(one, keys=KEYS, timeout_s=120):
    """settled, and `status redis` says healthy."""
    settled(one, keys, timeout_s)
    status_is_healthy(one)


def shard_of(one, ordinal):
    """The ordinals of a shard, its master first."""
    rows = {pod.ordinal: one.node_of(pod.ordinal) for pod in one.controller.wanted()}
    master = rows[ordinal].master if rows[ordinal].master != "-" else rows[ordinal].id
    return [i for i, row in rows.items() if row.id == master] + \
        [i for i, row in rows.items() if row.master == master]


def lose_a_masters_volume(one, keys=KEYS, ordinal=0):
    """A master comes back with an empty volume: no key is lost, it joins under a new id."""
    lost = one.node_of(ordinal).id
    one.pods[ordinal].recreate(keep_volume=False)
    whole(one, keys)
    check(lost not in {row.id for row in one.cluster_nodes(0)}, "the old id is forgotten")
    equal(len(one.masters_now()), 3, "masters")
    equal(one.node_of(ordinal).role, "replica", "what came back")


def restart_everything(one, keys=KEYS):
    """All pods deleted at once and made again elsewhere: the same cluster."""
    ids = [one.node_of(pod.ordinal).id for pod in one.pods]
    old = {pod.ip for pod in one.pods}
    one.restart_all()
    whole(one, keys)
    check(not old & {pod.ip for pod in one.pods}, "the addresses are new")
    equal([one.node_of(pod.ordinal).id for pod in one.pods], ids, "ids")


def says(result, code, *patterns):
    """The command ended with this status; its last line on stderr matches all patterns."""
    equal(result.rc, code, f"status of {result!r}")
    lines = result.err.strip().splitlines() or [""]
    for pattern in patterns:
        check(re.search(pattern, lines[-1]), f"{pattern!r} in the last line of {result!r}")


def alternative(name):
    """A name or literal address as openssl's configuration has it."""
    is_address = ":" in name or name.replace(".", "").isdigit()
    return f"{'IP' if is_address else 'DNS'}:{name}"


class Authority:
    """A certificate authority of one's own, in a directory."""

    def __init__(self, directory, name="ordain tests"):
        os.makedirs(directory)
        self.directory = directory
        self._count = 0
        self._openssl("req", "-x509", *self._new_key("ca.key"), "-subj", f"/CN={name}",
                      "-days", "2", "-out", "ca.crt")

    def path(self, name):
        """A file of the authority's."""
        return os.path.join(self.directory, name)

    def text(self, name):
        """What is in it."""
        with open(self.path(name), encoding="ascii") as file:
            return file.read()

    def issue(self, names, days=2):
        """A new certificate for these DNS names and addresses; the texts of certificate and key."""
        self._count += 1
        stem = f"leaf-{self._count}"
        with open(self.path(stem + ".ext"), "w", encoding="ascii") as file:
            file.write("subjectAltName=" + ",".join(map(alternative, names)) + "\n")
        self._openssl("req", *self._new_key(stem + ".key"), "-subj", f"/CN={stem}", "-out",
                      stem + ".csr")
        self._openssl("x509", "-req", "-in", stem + ".csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                      "-CAcreateserial", "-days", str(days), "-extfile", stem + ".ext", "-out",
                      stem + ".crt")
        return self.text(stem + ".crt"), self.text(stem + ".key")

    def _new_key(self, name):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                name)

    def _openssl(self, *words):
        done = subprocess.run(["openssl", *words], cwd=self.directory, check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise lab.Failure(f"openssl {words}: {done.stdout}")
