#!/usr/bin/python3
"""A cluster that speaks TLS only: names and authorities are verified, certificates change."""

import os
import re
import ssl
from dataclasses import replace

from common import lab, ordain
from lab import check, equal
from redis_proofs import (Authority, born, lose_a_masters_volume, restart_everything, says,
                          status_is_healthy, whole)

DIRECTORY = "/tls"
SERVICE = "redis.default.svc.cluster.local"
DEMANDED = "certificate required|demands another client's certificate"


def files_for(authority, replicas=6):
    """A Secret's content: each pod's certificate carries that pod's host name alone."""
    files = {"ca.crt": authority.text("ca.crt")}
    for name in [f"redis-{ordinal}" for ordinal in range(replicas)] + ["client"]:
        cert, key = authority.issue([f"{name}.{SERVICE}"])
        files.update({f"{name}.crt": cert, f"{name}.key": key})
    return files


def settings_of(name):
    """The TLS settings with the certificate of this name."""
    return {"ORDAIN_REDIS_TLS_CA": f"{DIRECTORY}/ca.crt",
            "ORDAIN_REDIS_TLS_CERT": f"{DIRECTORY}/{name}.crt",
            "ORDAIN_REDIS_TLS_KEY": f"{DIRECTORY}/{name}.key"}


def access(authority, files):
    """The test's own way to the servers, with the client's certificate."""
    paths = [authority.path(name) for name in ("client.crt", "client.key")]
    for path in paths:
        with open(path, "w", encoding="ascii") as file:
            file.write(files[os.path.basename(path)])
    made = lab.Access(ca=authority.path("ca.crt"), cert=paths[0], key=paths[1])
    made.context.verify_mode = ssl.CERT_NONE # ordain is who verifies here
    return made


def tls(world, authority, files, env=None, secrets=None, **options):
    """A lab whose pods have a certificate each; jobs have the client's."""
    one = ordain(world, env={**settings_of("client"), **(env or {})},
                 secrets={DIRECTORY: files, **(secrets or {})},
                 access=access(authority, files), **options)
    for pod in one.pods:
        pod.extra_env = settings_of(pod.name)
    return one


def only_tls(one):
    """Clients, replication and bus: nothing is spoken in plain."""
    with one.redis(0) as connection:
        for name in ("tls-cluster", "tls-replication"):
            equal(connection.call("CONFIG", "GET", name), [name, "yes"], name)
        equal(connection.call("CONFIG", "GET", "port"), ["port", "0"], "plain port")
    try:
        lab.Access().connect(one.pods[0].ip).call("PING")
        raise lab.Failure("the server answers in plain")
    except lab.Unreachable:
        pass


def probes_say_yes(one):
    """Each pod's probes verify that pod's own name at its own address."""
    for pod in one.pods:
        for kind in ("startup", "liveness", "readiness"):
            result = pod.run("ordain", "probe", "redis", kind)
            equal(result.rc, 0, f"{pod.name} {kind}: {result!r}")


def life_over_tls(world):
    """birth, form, status, probes, new certificates, new addresses and a lost volume over TLS"""
    authority = Authority(os.path.join(world.dir, "ca"))
    with tls(world, authority, files_for(authority)) as one:
        born(one)
        only_tls(one)
        whole(one)
        probes_say_yes(one)
        for kind, code in (("startup", 0), ("liveness", 0), ("readiness", 1)):
            result = one.pods[0].run("ordain", "probe", "redis", kind, env={"ORDAIN_REDIS_TLS_CA": "/none"})
            equal(result.rc, code, f"{kind} without the authority's file: {result!r}")
        for command in ("form", "status"):
            result = one.job("ordain", command, "redis")
            equal(result.rc, 0, f"{command} in a job: {result!r}")
        one.secret(DIRECTORY, files_for(authority))
        whole(one)
        restart_everything(one)
        lose_a_masters_volume(one)
        probes_say_yes(one)


def new_authority(world):
    """the authority changes pod by pod, while the files of trust name the old and the new one"""
    old = Authority(os.path.join(world.dir, "ca"))
    new = Authority(os.path.join(world.dir, "ca-new"), "ordain tests, new")
    both = {"ca.crt": old.text("ca.crt") + new.text("ca.crt")}
    with tls(world, old, {**files_for(old), **both}) as one:
        born(one)
        one.secret(DIRECTORY, {**files_for(new), **both})
        for pod in reversed(one.pods):
            pod.recreate()
            pod.wait_ready(60)
            one.wait_healthy(60)
        one.secret(DIRECTORY, {"ca.crt": new.text("ca.crt")})
        whole(one)
        probes_say_yes(one)


def formed_over_tls(world):
    """form gives birth to empty servers over TLS"""
    authority = Authority(os.path.join(world.dir, "ca"))
    with tls(world, authority, files_for(authority), fs_group=True,
             template=replace(lab.plain(("sh", "-c", SERVER)), readiness=None,
                              liveness=None)) as one:
        one.up(60)
        result = one.job("ordain", "form", "redis")
        equal(result.rc, 0, f"form: {result!r}")
        one.wait_healthy(30)
        one.write_keys(100)
        one.check_keys(100)


SERVER = " ".join([
    "exec redis-server --port 0 --tls-port 6379 --dir /data --cluster-enabled yes --save ''",
    "--tls-cluster yes --tls-replication yes --tls-auth-clients yes --protected-mode no",
    "--cluster-announce-ip $POD_IP --cluster-announce-hostname", f"$POD_NAME.{SERVICE}",
    "--tls-ca-cert-file /tls/ca.crt --tls-cert-file $ORDAIN_REDIS_TLS_CERT",
    "--tls-key-file $ORDAIN_REDIS_TLS_KEY --repl-diskless-sync-delay 0"])


def show(one, pod, name):
    """A running server takes another certificate: that of the Secret's NAME."""
    with one.redis(pod.ordinal) as connection:
        connection.call("CONFIG", "SET", "tls-cert-file", f"{DIRECTORY}/{name}.crt",
                        "tls-key-file", f"{DIRECTORY}/{name}.key")


def one_line(result, *patterns):
    """A probe's answer: one line that matches."""
    text = result.out + result.err
    equal(len(text.strip().splitlines()), 1, f"lines of {result!r}")
    for pattern in patterns:
        check(re.search(pattern, text), f"{pattern!r} in {result!r}")


def bad_certificates(world):
    """wrong name, wrong authority, expired, none, unreadable: refused, each with its sentence"""
    authority = Authority(os.path.join(world.dir, "ca"))
    stranger = Authority(os.path.join(world.dir, "stranger"))
    files = files_for(authority)
    for name, (cert, key) in {"expired": authority.issue([f"redis-1.{SERVICE}"], days=-1),
                              "strange": stranger.issue([f"redis-1.{SERVICE}"])}.items():
        files.update({f"{name}.crt": cert, f"{name}.key": key})
    files.update({"stranger.crt": stranger.text("ca.crt"), "broken.crt": "no certificate\n"})
    with tls(world, authority, files) as one:
        born(one)
        pod = one.pods[1]
        for shown, words in (("redis-2", "hostname mismatch"), ("expired", "has expired"),
                             ("strange", "unable to get local issuer|self.signed")):
            show(one, pod, shown)
            result = one.job("ordain", "status", "redis")
            check(result.rc == 1 and "NOT HEALTHY" in result.out, f"status, {shown}: {result!r}")
            check(re.search("redis-1.*(" + words + ")", result.out), f"status, {shown}: {result!r}")
            says(one.job("ordain", "form", "redis", "--timeout", "1500ms"), 75, "redis-1", words)
            result = pod.run("ordain", "probe", "redis", "readiness")
            equal(result.rc, 1, f"readiness, {shown}: {result!r}")
            one_line(result, words)
            result = pod.run("ordain", "probe", "redis", "liveness")
            equal(result.rc, 0, f"a server with a bad certificate lives: {result!r}")
            one_line(result, words)
        show(one, pod, "redis-1")
        bad_settings(one)
        whole(one)


def bad_settings(one):
    """What a job says whose own files are wrong."""
    def status(**changes):
        return one.job("ordain", "status", "redis", env=changes)
    result = status(ORDAIN_REDIS_TLS_CA=f"{DIRECTORY}/stranger.crt")
    check(result.rc == 1 and "certificate verify failed" in result.out, f"another CA: {result!r}")
    says(one.job("ordain", "form", "redis", "--timeout", "1500ms",
                 env={"ORDAIN_REDIS_TLS_CA": f"{DIRECTORY}/stranger.crt"}), 75,
         "certificate verify failed")
    says(status(ORDAIN_REDIS_TLS_CA="/tls/none.crt"), 78, "/tls/none.crt", "tls-ca")
    says(status(ORDAIN_REDIS_TLS_CA="/tls/broken.crt"), 78, "/tls/broken.crt", "tls-ca")
    says(status(ORDAIN_REDIS_TLS_CERT="/tls/broken.crt"), 78, "/tls/broken.crt", "tls-cert")
    says(status(ORDAIN_REDIS_TLS_KEY="/tls/redis-0.key"), 78, "/tls/redis-0.key", "tls-key")
    says(status(ORDAIN_REDIS_TLS_KEY=None), 78, "ORDAIN_REDIS_TLS_KEY")
    result = status(ORDAIN_REDIS_TLS_CA=None, ORDAIN_REDIS_TLS_CERT=None, ORDAIN_REDIS_TLS_KEY=None)
    check(result.rc == 1 and "NOT HEALTHY" in result.out, f"plain to TLS: {result!r}")


def client_certificates(world):
    """servers that demand client certificates: with one all is well, without it is said"""
    authority = Authority(os.path.join(world.dir, "ca"))
    files = files_for(authority)
    with tls(world, authority, files, env={"ORDAIN_TEMPLATE_DIR": "/templates"}, secrets={
            "/templates": {
            "extra.conf": "tls-auth-clients yes\n"}}) as one:
        born(one)
        whole(one)
        result = one.job("ordain", "status", "redis",
                         env={"ORDAIN_REDIS_TLS_CERT": None, "ORDAIN_REDIS_TLS_KEY": None})
        check(result.rc == 1 and re.search(DEMANDED, result.out), f"no certificate: {result!r}")
        result = one.pods[0].run("ordain", "probe", "redis", "liveness",
                                 env={"ORDAIN_REDIS_TLS_CERT": "", "ORDAIN_REDIS_TLS_KEY": ""})
        equal(result.rc, 0, f"it lives all the same: {result!r}")
        one_line(result, DEMANDED)


SCENARIOS = [life_over_tls, new_authority, formed_over_tls, bad_certificates, client_certificates]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
