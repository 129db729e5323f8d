#!/usr/bin/python3
"""Passwords and ACL users: every way in, nothing leaks, a wrong one is told, a new one comes."""

import os
import re
import stat

from common import lab, ordain
from lab import check, equal
from redis_proofs import (KEYS, born, lose_a_masters_volume, restart_everything, says,
                          status_is_healthy, whole)

FILE = "/secret/password"
SPECIAL = "p \"4ss'#$\\{w}örd % ;|&<>*?[~`!^()=,.:/@ +-_ end"
WRONG = {"ORDAIN_REDIS_PASSWORD": "not-the-password"}


def guarded(world, password, newline="\n", env=None, username=None, **options):
    """A lab whose password comes from a Secret's file."""
    return ordain(world, env={"ORDAIN_REDIS_PASSWORD_FILE": FILE, **(env or {})},
                  secrets={os.path.dirname(FILE): {"password": password + newline}},
                  access=lab.Access(password=password, username=username), **options)


def files_below(*directories):
    """All regular files with their modes and contents."""
    for directory in directories:
        for place, _, names in os.walk(directory):
            for name in names:
                path = os.path.join(place, name)
                mode = os.lstat(path)
                if stat.S_ISREG(mode.st_mode):
                    with open(path, "rb") as file:
                        yield path, stat.S_IMODE(mode.st_mode), file.read()


def no_leaks(one, *secrets):
    """No log, event, message, argument list or world-readable file holds a secret."""
    def holds(data):
        return any(secret.encode() in data for secret in secrets)
    said = "\n".join(one.describe() for one in one.pods).encode()
    check(not holds(said), "a secret in events, logs or messages")
    places = [pod.volume.path for pod in one.pods] + [
        os.path.join(one.dir, name) for name in ("logs", "pods", "jobs", "register")]
    for path, mode, data in files_below(*places):
        check(not holds(data) or mode & 0o177 == 0, f"{path} has the secret and mode {mode:o}")
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                check(not holds(file.read()), f"/proc/{name}/cmdline has the secret")
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
            pass


def special_characters(world):
    """a password with every kind of character, from a file that ends in a newline"""
    with guarded(world, SPECIAL) as one:
        born(one)
        restart_everything(one)
        lose_a_masters_volume(one)
        for command in ("form", "status"):
            result = one.job("ordain", command, "redis")
            equal(result.rc, 0, f"{command} in a job: {result!r}")
        check(any(mode == 0o600 and SPECIAL[:2].encode() in data
                  for _, mode, data in files_below(one.pods[0].config)), "redis.conf is there")
        no_leaks(one, SPECIAL, SPECIAL.replace('"', '\\"').replace("\\{", "\\\\{"))


def from_the_environment(world):
    """a password from the environment, OrderedReady"""
    secret = "s3cret of the environment"
    with ordain(world, "OrderedReady", env={"ORDAIN_REDIS_PASSWORD": secret},
                access=lab.Access(password=secret)) as one:
        born(one)
        whole(one)
        no_leaks(one, secret)


def acl_user(world):
    """an ACL user beside a default user that is switched off; wrong passwords and users are told"""
    with guarded(world, "of the user", username="keeper", newline="", env={
            "ORDAIN_REDIS_USERNAME": "keeper", "ORDAIN_TEMPLATE_DIR": "/templates"}) as one:
        one.secret("/templates", {"extra.conf": "user default off\n"})
        born(one)
        least_rights(one)
        lose_a_masters_volume(one)
        refusals(one)
        restricted_user(one)
        no_leaks(one, "of the user", WRONG["ORDAIN_REDIS_PASSWORD"])


def least_rights(one):
    """Every server lets the user do what docs/redis-access.md lists, and nothing else but the test's own reads and writes."""
    rights = ("+ping", "+info", "+cluster", "+config|get", "+config|set", "+psync", "+replconf")
    for pod in one.pods:
        with one.redis(pod.ordinal) as connection:
            connection.call("ACL", "SETUSER", "keeper", "-@all", *rights, "+get", "+set", "+wait", "+dbsize",
                            "+acl|setuser")


def refusals(one):
    """What commands say that bring the wrong password, the wrong user or none."""
    wrong = {"ORDAIN_REDIS_PASSWORD_FILE": None, **WRONG}
    none = {"ORDAIN_REDIS_PASSWORD_FILE": None, "ORDAIN_REDIS_USERNAME": None}
    for env, word in ((wrong, "WRONGPASS"), (none, "NOAUTH"),
                      ({"ORDAIN_REDIS_USERNAME": "nobody"}, "WRONGPASS")):
        result = one.job("ordain", "form", "redis", env=env, timeout_s=20)
        says(result, 77, "redis-[0-5]", "refuses our user or password", word, "--password-file")
        says(one.job("ordain", "plan", "form", "redis", env=env), 77, "refuses", "--password-file")
        result = one.job("ordain", "status", "redis", env=env)
        says(result, 77, "refuses", "--password-file")
        check("NOT HEALTHY" in result.out, f"the picture is drawn all the same: {result!r}")
        no_secret(result)
    pod = one.pods[0]
    words = {"liveness": (0, "alive, and refuses our user or password"),
             "startup": (0, "alive, and refuses our user or password"),
             "readiness": (1, "refuses our user or password; see --username and --password-file")}
    for kind, (code, text) in words.items():
        result = pod.run("ordain", "probe", "redis", kind, env={
            "ORDAIN_REDIS_PASSWORD_FILE": "", **WRONG})
        equal(result.rc, code, f"{kind}: {result!r}")
        equal(len(result.out.splitlines()), 1, f"one line: {result!r}")
        check(text in result.out, f"{kind}: {result!r}")
        no_secret(result)
    says(one.job("ordain", "status", "redis", env={"ORDAIN_REDIS_PASSWORD_FILE": "/none"}), 78,
         "/none")


def no_secret(result):
    """Neither stream has a password."""
    for secret in ("of the user", WRONG["ORDAIN_REDIS_PASSWORD"]):
        check(secret not in result.out + result.err, f"a secret in {result!r}")


def restricted_user(one):
    """A user who may not ask what is needed: NOPERM is told."""
    for pod in one.pods:
        with one.redis(pod.ordinal) as connection:
            connection.call("ACL", "SETUSER", "guest", "on", ">guest word", "~*", "+ping")
    env = {"ORDAIN_REDIS_PASSWORD_FILE": None, "ORDAIN_REDIS_PASSWORD": "guest word",
           "ORDAIN_REDIS_USERNAME": "guest"}
    says(one.job("ordain", "form", "redis", env=env, timeout_s=20), 77, "NOPERM")
    result = one.pods[0].run("ordain", "probe", "redis", "liveness", env={
        key: value or "" for key, value in env.items()})
    equal(result.rc, 0, f"liveness needs PING alone: {result!r}")


def odd_secrets(world):
    """secret files that are empty, of two lines, binary, too long, or unreadable"""
    with guarded(world, "good") as one:
        one.start()
        for name, content in {"empty": "", "newline": "\n", "lines": "one\ntwo\n",
                              "long": "x" * 70_000}.items():
            one.secret("/secret", {name: content})
            result = one.job("ordain", "status", "redis",
                             env={"ORDAIN_REDIS_PASSWORD_FILE": f"/secret/{name}"})
            says(result, 78, f"/secret/{name}")
        one.secret("/secret", {"closed": "nobody's"})
        path = os.path.join(one.dir, "secrets", "secret", "closed")
        os.chmod(path, 0o600)
        says(one.job("ordain", "status", "redis",
                     env={"ORDAIN_REDIS_PASSWORD_FILE": "/secret/closed"}), 77, "/secret/closed")


def change_secret(one, password):
    """The Secret's new content reaches all pods at once, as a mounted volume does."""
    one.secret(os.path.dirname(FILE), {"password": password + "\n"})


def all_ready(one):
    """Every readiness probe says yes now."""
    for pod in one.pods:
        result = pod.run("ordain", "probe", "redis", "readiness")
        equal(result.rc, 0, f"{pod.name}: {result!r}")


def prepared_rotation(world):
    """a new password without a gap: both are valid while pods restart one by one"""
    with guarded(world, "old word") as one:
        born(one)
        for pod in one.pods: # docs/redis-access.md
            with one.redis(pod.ordinal) as connection:
                connection.call("ACL", "SETUSER", "default", ">new word")
                connection.call("CONFIG", "SET", "masterauth", "new word")
        change_secret(one, "new word")
        all_ready(one)
        for pod in reversed(one.pods):
            one.wait_healthy(60)
            pod.recreate()
            pod.wait_ready(60)
            one.access.password = "new word"
        whole(one)
        refused(one, "old word")
        no_leaks(one, "old word", "new word")


def rotation_of_the_secret_alone(world):
    """the Secret alone changes: nobody becomes unready, all heals with the last restart"""
    with guarded(world, "old word") as one:
        born(one)
        change_secret(one, "new word")
        all_ready(one)
        status_is_healthy(one)
        one.pods[4].kill("main") # it comes back with the new one; its master has the old
        one.wait(lambda: one.pods[4].restarts["main"], 20, "redis-4 was started again")
        one.access.password = "new word"
        for ordinal in (5, 4, 3, 2, 1, 0):
            one.pods[ordinal].recreate()
            one.pods[ordinal].wait_phase("Running", 60)
        whole(one)
        refused(one, "old word")
        equal(one.count_keys(), KEYS, "keys")


def refused(one, password):
    """No server takes this password any more."""
    for pod in one.pods:
        try:
            lab.Access(password=password).connect(pod.ip)
            raise lab.Failure(f"{pod.name} takes the old password")
        except lab.ReplyError as error:
            check(re.match("WRONGPASS", str(error)), f"{pod.name}: {error}")


SCENARIOS = [
    special_characters, from_the_environment, acl_user, odd_secrets, prepared_rotation,
    rotation_of_the_secret_alone,
]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
