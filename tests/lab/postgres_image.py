"""The official Postgres image as far as its pods can tell: programs, entrypoint, user, defaults.

The servers are Debian's 15 and the builds that tests/servers/fetch brings. The latter have no
client programs: theirs are Debian's, which speak with every version.
"""

import functools
import os

from . import image, spec

DEBIAN = "/usr/lib/postgresql/15"
CLIENTS = ("psql", "pg_isready", "pg_basebackup", "pg_rewind", "pg_waldump", "pgbench",
           "pg_controldata")
SERVERS = ("postgres", "initdb", "pg_ctl")
ENTRYPOINT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "docker-entrypoint")
SOCKETS = "/var/run/postgresql"
SAMPLES = ("share/postgresql/postgresql.conf.sample",
           "../../../share/postgresql/15/postgresql.conf.sample")
# What the image changes in it, or in what the server was built with.
SAMPLE_END = f"listen_addresses = '*'\nunix_socket_directories = '{SOCKETS}'\n"
ETC = {"/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n"
                      "postgres:x:999:999::/var/lib/postgresql:/bin/bash\n"
                      "nobody:x:65534:65534:nobody:/:/bin/false\n",
       "/etc/group": "root:x:0:\npostgres:x:999:\nnogroup:x:65534:\n"}
VERSIONS = ("13", "14", "15", "16", "17", "18")


@functools.cache
def home(version):
    """The directory of a version's programs and files. "15" needs no download."""
    return DEBIAN if version == "15" else os.path.join(spec.servers(), f"postgres-{version}")


def postgres(version="15"):
    """The image `postgres:<version>`; `version` is one of VERSIONS."""
    directory = home(version)
    programs = {name: os.path.join(DEBIAN, "bin", name) for name in CLIENTS}
    programs |= {name: os.path.join(directory, "bin", name) for name in SERVERS}
    sample = next(path for path in (os.path.normpath(os.path.join(directory, name))
                                    for name in SAMPLES) if os.path.exists(path))
    with open(sample, encoding="utf-8") as file:
        text = file.read() + SAMPLE_END
    # These builds' sockets are in /tmp unless the configuration says otherwise.
    built_in = () if version == "15" else (("run", "/tmp"),)
    return image.Image(
        config="/etc/postgresql", programs=programs,
        homes=() if version == "15" else (directory,),
        scripts={"docker-entrypoint.sh": ENTRYPOINT}, etc=ETC, replaced={sample: text},
        empty_dirs=(("config/initdb.d", "/docker-entrypoint-initdb.d"), ("run", SOCKETS),
                    *built_in))
