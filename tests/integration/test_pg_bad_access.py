#!/usr/bin/python3
"""What stands between the pods: passwords, pg_hba.conf, certificates, names. Each says one clear line with the right
status and touches nothing; when it is mended, the start goes on."""

import os

from common import lab, postgres
from lab import check, equal
from pg_cells import hold, refused
from redis_proofs import Authority

SERVICE = "pg.default.svc.cluster.local"
TLS = "/tls"
CONFIGURATION, DENIED, LATER = 78, 77, 75


def empty_stand(one):
    """pg-1 before its clone."""
    stand = hold(one, 1)
    stand.volume.clear()
    return stand


def then_it_clones(stand):
    """Nothing is wrong any more: the pod clones and streams."""
    stand.go_on()
    stand.pod.wait_ready(60)
    stand.one.wait_healthy(30)


def reload(one, index):
    """The server reads its files again."""
    one.sql(index, "SELECT pg_reload_conf()", inside=True)


def first_lines(one, index, text):
    """Lines before all others of a server's pg_hba.conf; answers what was there."""
    path = os.path.join(one.pods[index].config, "pg_hba.conf")
    with open(path, encoding="utf-8") as file:
        was = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text + was)
    reload(one, index)
    return path, was


def passwords_and_hba(world):
    """a wrong, an empty or no password, a line of pg_hba.conf that rejects, a role that is no replication role"""
    bad = {"wrong": "nobody knows\n", "empty": "\n"}
    with postgres(world, replicas=2, secrets={"/bad": bad}) as one:
        one.up(60)
        stand = empty_stand(one)
        refused(stand, DENIED, "password authentication failed", ORDAIN_PG_PASSWORD_FILE="/bad/wrong")
        refused(stand, CONFIGURATION, "/bad/none", ORDAIN_PG_PASSWORD_FILE="/bad/none")
        refused(stand, CONFIGURATION, "empty", ORDAIN_PG_PASSWORD_FILE="/bad/empty")
        refused(stand, DENIED, "password", ORDAIN_PG_PASSWORD_FILE="")
        refused(stand, DENIED, "no pg_hba.conf entry", ORDAIN_PG_REPLICATION_USER="nobody")
        refused(stand, CONFIGURATION, "SSL", ORDAIN_PG_SSLMODE="require")
        path, was = first_lines(one, 0, "host replication all all reject\n")
        refused(stand, DENIED, "pg_hba.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(was)
        reload(one, 0)
        one.sql(0, "ALTER ROLE replicator NOREPLICATION", inside=True)
        refused(stand, DENIED, "replication|REPLICATION")
        one.sql(0, "ALTER ROLE replicator REPLICATION", inside=True)
        then_it_clones(stand)


def other_addresses(world):
    """ORDAIN_PG_REPLICATION_FROM: the server refuses replication from other addresses, the primary's own data stays"""
    with postgres(world, replicas=2) as one:
        one.up(60)
        stand = empty_stand(one)
        for networks in ("192.0.2.0/24,fd00::/8", f"192.0.2.0/24,{stand.pod.ip}/32"):
            one.pods[0].extra_env = {"ORDAIN_PG_REPLICATION_FROM": networks}
            one.pods[0].recreate()
            one.wait(lambda: one.is_primary(0), 30, "the primary is back")
            if stand.pod.ip not in networks:
                refused(stand, DENIED, f"no pg_hba.conf entry for replication connection from host \"{stand.pod.ip}\"")
        then_it_clones(stand)


def names(world):
    """a DNS that is silent, and one that does not know the primary's name: both can only delay"""
    with postgres(world, replicas=2) as one:
        one.up(60)
        stand = empty_stand(one)
        with one.cut(stand.pod, "dns"):
            refused(stand, LATER, "no address|DNS|name")
        one.dns.withdraw("pg-0")
        refused(stand, LATER, "pg-0 has no address yet")
        one.dns.publish("pg-0", one.pods[0].addresses)
        then_it_clones(stand)


# ---- TLS

def settings_of(name):
    """The settings of the pod of this name."""
    return {"ORDAIN_PG_TLS_CA": f"{TLS}/ca.crt", "ORDAIN_PG_TLS_CERT": f"{TLS}/{name}.crt",
            "ORDAIN_PG_TLS_KEY": f"{TLS}/{name}.key"}


def put(one, **files):
    """Changes files of the Secret; keys are root's and the server's group's, as fsGroup and defaultMode 0440 make them."""
    files = {name.replace("__", ".").replace("_", "-"): text for name, text in files.items()}
    one.secret(TLS, files)
    for name in files:
        path = os.path.join(one.dir, "secrets", TLS.strip("/"), name)
        if name.endswith(".key"):
            os.chown(path, 0, 999)
            os.chmod(path, 0o440)


def certificate(one, authority, index, **how):
    """A new certificate for a pod's name, or for `names`."""
    names_of_it = how.pop("names", [f"pg-{index}.{SERVICE}"])
    cert, key = authority.issue(names_of_it, **how)
    put(one, **{f"pg_{index}__crt": cert, f"pg_{index}__key": key})


def over_tls(world, authority, replicas=2):
    """A lab whose pods speak TLS with each other and verify each other's names."""
    one = postgres(world, replicas=replicas)
    put(one, ca__crt=authority.text("ca.crt"))
    for pod in one.pods:
        certificate(one, authority, pod.ordinal)
        pod.extra_env = settings_of(pod.name)
    return one


def only_tls(one, primary):
    """Every replication connection is encrypted, and its client verified the name."""
    rows = one.sql(primary, "SELECT ssl FROM pg_stat_replication JOIN pg_stat_ssl USING (pid)", inside=True)
    equal(rows, [["t"]] * (len(one.pods) - 1), "TLS of the standbys' connections")
    for pod in one.pods:
        if pod.ordinal != primary:
            conninfo = one.value(pod.ordinal, "SHOW primary_conninfo", inside=True)
            check("verify-full" in conninfo, f"{pod.name} verifies: {conninfo}")


def life_over_tls(world):
    """born, cloned, certificates rotated, a volume lost: all between the pods over TLS, verify-full"""
    authority = Authority(os.path.join(world.dir, "ca"))
    with over_tls(world, authority, 3) as one:
        one.up(90)
        one.wait_healthy(30)
        only_tls(one, 0)
        for pod in one.pods:
            certificate(one, authority, pod.ordinal)
            reload(one, pod.ordinal)
        one.pods[2].recreate(keep_volume=False)
        one.wait(lambda: one.pods[2].lives == 2, 30, "a new life")
        one.wait_ready(60)
        one.wait_healthy(30)
        only_tls(one, 0)


def bad_certificates(world):
    """an expired certificate, one of another name, one of another authority, a key that is missing: nothing is cloned"""
    authority = Authority(os.path.join(world.dir, "ca"))
    stranger = Authority(os.path.join(world.dir, "stranger"), "strangers")
    with over_tls(world, authority) as one:
        one.up(60)
        stand = empty_stand(one)
        for words, issuer, how in (
                ("certificate (verify failed|has expired)", authority, {"days": -1}),
                ("does not match|pg-9", authority, {"names": [f"pg-9.{SERVICE}"]}),
                ("certificate verify failed", stranger, {})):
            certificate(one, issuer, 0, **how)
            reload(one, 0)
            refused(stand, CONFIGURATION, "pg-0", words)
            for mode in ("verify-ca", "require"):  # libpq takes the second for the first where there is a CA
                equal(stand.plan(ORDAIN_PG_SSLMODE=mode)[2] == "clone", "names" in how, f"sslmode {mode}, {words}")
        refused(stand, CONFIGURATION, "/tls/none.crt", ORDAIN_PG_TLS_CA="/tls/none.crt")
        certificate(one, authority, 0)
        reload(one, 0)
        put(one, stranger__crt=stranger.text("ca.crt"))
        refused(stand, CONFIGURATION, "certificate verify failed", ORDAIN_PG_TLS_CA=f"{TLS}/stranger.crt")
        then_it_clones(stand)
        only_tls(one, 0)


SCENARIOS = [passwords_and_hba, other_addresses, names, life_over_tls, bad_certificates]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
