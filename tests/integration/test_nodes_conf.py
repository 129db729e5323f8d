"""Real servers as the judges of ordain's nodes.conf: whatever makes a server exit is told before, whatever is
called right (or was mended) is loaded. Each server reads a recorded file torn at every byte (or third byte), a list of
malformed rows, and rows with random damage (always the same)."""

import concurrent.futures
import os
import pathlib
import queue
import random
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden/nodes_conf"
SOURCES = ["tests/integration/nodes_conf_verdict.c", "roles/text.c", "roles/redis_table_row.c",
           "roles/redis_table_parse.c", "roles/redis_table_write.c", "roles/redis_mend.c",
           "roles/redis_mend_rows.c"]
PORTS = [18411, 18412]  # below the ephemeral range, with the bus ports 10000 above too
START_LIMIT_S = 10
DAMAGES = int(os.environ.get("NODES_CONF_DAMAGES", "150"))

ID = [letter * 40 for letter in "abcdef"]
SHARD = ["1" * 40, "2" * 40]
VARS = "vars currentEpoch 6 lastVoteEpoch 0\n"


def row(node, address="127.0.0.1:7000@17000", flags="master", master="-", rest="0 0 1 connected"):
    return f"{node} {address} {flags} {master} {rest}\n"


MYSELF = row(ID[0], flags="myself,master", rest="0 0 1 connected 0-100")

# name, text, what ordain says; None: whatever, so long as no server exits at what is called right
CASES = [
    ("one row", MYSELF + VARS, "ok"),
    ("a row of each flag", MYSELF + row(ID[1], flags="slave,fail?,nofailover", master=ID[0]) +
     row(ID[2], flags="master,fail") + row(ID[3], ":0@0", "noflags", rest="0 0 0 disconnected") +
     row(ID[4], flags="handshake", rest="1 0 0 connected") + VARS, "ok"),
    ("no address", MYSELF + row(ID[1], ":0@0", "master,noaddr", rest="0 0 2 disconnected 101-16383") + VARS,
     "ok"),
    ("no address but a host name", MYSELF + row(ID[1], ":0@0,a.b.local", "master,noaddr") + VARS, "ok"),
    ("an IPv6 address", MYSELF + row(ID[1], "2001:db8::1:7000@17000") + VARS, "ok"),
    ("an IPv6 address of 45 bytes", MYSELF +
     row(ID[1], "0000:0000:0000:0000:0000:ffff:192.168.100.228:7000@17000") + VARS, "ok"),
    ("no bus port", MYSELF + row(ID[1], "127.0.0.1:7000") + VARS, "ok"),
    ("a master without a row", MYSELF + row(ID[1], flags="slave", master=ID[2]) + VARS, "ok"),
    ("a replica that follows nobody", MYSELF + row(ID[1], flags="slave") + VARS, "ok"),
    ("myself a replica", row(ID[1]) + row(ID[0], flags="myself,slave", master=ID[1]) + VARS, "ok"),
    ("vars first", VARS + MYSELF, "ok"),
    ("blank lines", "\n\n" + MYSELF + "\n" + VARS + "\n\n\n", "ok"),
    ("open slots", MYSELF.rstrip() + f" [93->-{ID[1]}] [200-<-{ID[1]}]\n" + row(ID[1]) + VARS, "ok"),
    ("a slot owned twice", MYSELF + row(ID[1], rest="0 0 2 connected 100-200") + VARS, "ok"),
    ("tabs and carriage returns", MYSELF.replace(" ", "\t").replace("\n", "\r\n") + VARS, "ok"),
    ("great numbers", MYSELF + row(ID[1], rest="18446744073709551615 18446744073709551615 "
                                   "18446744073709551615 connected") + VARS, "ok"),
    ("only blank lines", "\n\n", "empty"),
    ("only vars", VARS, "empty"),
    ("no vars", MYSELF, "no-vars"),
    ("no myself", row(ID[0]) + VARS, "no-myself"),
    ("two myself", MYSELF + row(ID[1], flags="myself,master") + VARS, "two-myself"),
    ("an id twice", MYSELF + row(ID[1]) + row(ID[1]) + VARS, "duplicate"),
    ("vars cut in the middle", MYSELF + "vars currentEpoch 6 lastVoteEpoch\n", "torn"),
    ("vars without a vote", MYSELF + "vars currentEpoch 6\n", "torn"),
    ("vars twice", MYSELF + VARS + VARS, "torn"),
    ("an unknown flag", MYSELF + row(ID[1], flags="master,witness") + VARS, "torn"),
    ("an empty flag", MYSELF + row(ID[1], flags="master,") + VARS, "torn"),
    ("a short id", MYSELF + row(ID[1][1:]) + VARS, "torn"),
    ("an id in capitals", MYSELF + row(ID[1].upper()) + VARS, "torn"),
    ("a master's id cut", MYSELF + row(ID[1], flags="slave", master=ID[0][1:]) + VARS, "torn"),
    ("seven words", MYSELF + row(ID[1], rest="0 0 1") + VARS, "torn"),
    ("a slot too great", MYSELF.replace("0-100", "16384") + VARS, "torn"),
    ("a range too great", MYSELF.replace("0-100", "0-16384") + VARS, "torn"),
    ("a negative slot", MYSELF.replace("0-100", "-1") + VARS, "torn"),
    ("an open slot without arrow", MYSELF.rstrip() + " [93]\n" + VARS, "torn"),
    ("an open slot with half an id", MYSELF.rstrip() + f" [93->-{ID[1][1:]}]\n" + VARS, "torn"),
    ("an open slot that does not end", MYSELF.rstrip() + f" [93->-{ID[1]}\n" + VARS, "torn"),
    ("no colon", MYSELF + row(ID[1], "127.0.0.1") + VARS, "torn"),
    ("a quote", MYSELF + row(ID[1], '"127.0.0.1:7000@17000') + VARS, "torn"),
    ("an apostrophe", MYSELF + row(ID[1], "127.0.0.1:7000@17000,it's") + VARS, "torn"),
    ("a line of one blank", MYSELF + " \n" + VARS, "torn"),
    ("NUL bytes", MYSELF + "\0" * 100 + VARS, "torn"),
    ("a form feed between words", MYSELF.replace(" ", "\f", 1) + VARS, "torn"),
    ("a NUL in a row", MYSELF.replace("127", "1\0007") + VARS, "torn"),
    ("no newline at the end", (MYSELF + VARS)[:-1], "torn"),
]

# The aux fields that a server knows; it exits at others, which ordain keeps for the sake of later servers. 7.0 takes
# them all for a part of the host name.
REDIS_AUX = {b"shard-id", b"nodename", b"tcp-port", b"tls-port"}
VALKEY_AUX = REDIS_AUX | {b"client-ipv4", b"client-ipv6", b"availability-zone"}

AUX = "127.0.0.1:7000@17000,a.b.local,tls-port=0,shard-id="
AUX_MYSELF = row(ID[0], AUX + SHARD[0], "myself,master")
AUX_CASES = [
    ("aux fields", AUX_MYSELF + row(ID[1], AUX + SHARD[0], "slave", ID[0]) + VARS, "ok"),
    ("aux fields without a host name", AUX_MYSELF.replace("a.b.local", "") + VARS, "ok"),
    ("a shard id alone", row(ID[0], f"127.0.0.1:7000@17000,,shard-id={SHARD[0]}", "myself,master") + VARS, "ok"),
    ("a replica of another shard id", AUX_MYSELF + row(ID[1], AUX + SHARD[1], "slave", ID[0]) + VARS,
     "shard-ids"),
    ("half a shard id", AUX_MYSELF.replace(SHARD[0], SHARD[0][1:]) + VARS, "torn"),
    ("an aux field without value", AUX_MYSELF.replace("tls-port=0", "tls-port") + VARS, "torn"),
    ("an aux field of two values", AUX_MYSELF.replace("tls-port=0", "tls-port=0=1") + VARS, "torn"),
    ("an empty aux field", AUX_MYSELF.replace("tls-port=0", "") + VARS, "torn"),
    ("a port too great", AUX_MYSELF.replace("tls-port=0", "tls-port=65536") + VARS, "torn"),
    ("a port of six digits", AUX_MYSELF.replace("tls-port=0", "tls-port=000001") + VARS, "torn"),
    ("what is no IPv4 address", AUX_MYSELF.replace("tls-port=0", "client-ipv4=10.0.0.1.2") + VARS, "torn"),
    ("what is no IPv6 address", AUX_MYSELF.replace("tls-port=0", "client-ipv6=2001::db8::1") + VARS, "torn"),
    ("an aux value with a bad byte", AUX_MYSELF.replace("tls-port=0", "nodename=a+b") + VARS, "torn"),
]


class Verdict:
    """ordain's own parser and mender, compiled for this test."""

    def __init__(self, directory):
        program = directory / "verdict"
        subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-O1", "-I", ROOT, "-o", program,
                        *[ROOT / source for source in SOURCES]], check=True)
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.path = directory / "verdict.conf"
        self.copy = directory / "verdict.copy"
        self.out = directory / "verdict.out"

    def _ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()

    def parse(self, data):
        self.path.write_bytes(data)
        return self._ask("parse", self.path)

    def write(self, data):
        self.path.write_bytes(data)
        self._ask("write", self.path, self.out)
        return self.out.read_bytes()

    def mend(self, data, copy):
        self.path.write_bytes(data)
        self.copy.write_bytes(copy)
        self.out.unlink(missing_ok=True)
        return self._ask("mend", self.path, self.copy, self.out), self.out

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Judge:
    """A real server: does it start in cluster mode on these bytes as its nodes.conf?"""

    def __init__(self, name, binary, known_aux):
        self.name, self.binary, self.known_aux = name, binary, known_aux
        self.ports = queue.Queue()
        for port in PORTS:
            self.ports.put(port)

    def knows(self, text):
        fields = [field for line in text.splitlines() for word in line.split()[1:2] for field in word.split(b",")[2:]]
        return self.known_aux is None or all(field.partition(b"=")[0] in self.known_aux for field in fields
                                             if b"=" in field)

    def loads(self, data):
        port = self.ports.get()
        try:
            with tempfile.TemporaryDirectory(dir="/tmp") as directory:
                (pathlib.Path(directory) / "nodes.conf").write_bytes(data)
                return self._start(directory, port)
        finally:
            self.ports.put(port)

    def _start(self, directory, port):
        process = subprocess.Popen(
            [self.binary, "--port", str(port), "--bind", "127.0.0.1", "--cluster-enabled", "yes",
             "--cluster-config-file", "nodes.conf", "--save", "", "--dir", directory],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=directory)
        try:
            lines = []
            for line in process.stdout:
                lines.append(line)
                if b"Address already in use" in line:
                    raise RuntimeError(f"port {port} is taken")
                if b"eady to accept connections" in line:
                    return True
            process.wait(START_LIMIT_S)
            if process.returncode == 0:
                raise RuntimeError(b"".join(lines).decode(errors="replace"))
            return False
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


class Tap:
    def __init__(self):
        self.count, self.failed = 0, False

    def check(self, name, complaints):
        self.count += 1
        print(("not ok" if complaints else "ok"), self.count, "-", name, flush=True)
        for complaint in complaints[:20]:
            print("#", complaint)
        self.failed = self.failed or bool(complaints)

    def end(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def judges():
    servers = subprocess.run([ROOT / "tests/servers/fetch"], check=True, stdout=subprocess.PIPE, text=True)
    servers = pathlib.Path(servers.stdout.strip())
    return [Judge("redis-7.0", shutil.which("redis-server"), None),
            Judge("redis-8.0", servers / "redis-server-8.0", REDIS_AUX),
            Judge("valkey-8.1", servers / "valkey-server-8.1", VALKEY_AUX)]


def judge_all(judge, texts):
    with concurrent.futures.ThreadPoolExecutor(len(PORTS)) as pool:
        return list(pool.map(judge.loads, texts))


def ask_all(judge, named):
    """NAMED: (name, text, verdict). A complaint for each text that ordain calls right and the server does not load."""
    complaints, exits = [], 0
    for (name, _, verdict), loaded in zip(named, judge_all(judge, [text for _, text, _ in named])):
        exits += not loaded
        if verdict == "ok" and not loaded:
            complaints.append(f"{name}: ordain says ok, the server exits")
    return complaints, exits


def check_cases(tap, verdict, judge):
    named, wrong = [], []
    for name, text, wanted in CASES + (AUX_CASES if judge.known_aux else []):
        said = verdict.parse(text.encode())
        named.append((name, text.encode(), said))
        if said != wanted:
            wrong.append(f"{name}: ordain says {said}, wanted {wanted}")
    complaints, exits = ask_all(judge, named)
    tap.check(f"{judge.name}: of {len(named)} odd files it exits at {exits}, all told before", wrong + complaints)


def check_recorded(tap, verdict, judge, files):
    named = []
    for path in files:
        text = path.read_bytes()
        named += [(path.name, text, verdict.parse(text)),
                  (path.name + " as ordain writes it", verdict.write(text), "ok")]
    complaints, exits = ask_all(judge, named)
    complaints += [f"{name}: ordain says {said}" for name, _, said in named if said != "ok"]
    tap.check(f"{judge.name}: what servers and ordain wrote is loaded", complaints + ["exits"] * exits)


def check_torn(tap, verdict, judge, path):
    text = path.read_bytes()
    # every byte, where a start costs little; the others differ from 7.0 in the aux fields only
    cuts = range(1, len(text), 1 if judge.known_aux is None else 3)
    named = [(f"cut at {cut}", text[:cut], verdict.parse(text[:cut])) for cut in cuts]
    complaints, exits = ask_all(judge, named)
    complaints += [f"{name}: ordain says ok" for name, _, said in named if said == "ok"]
    tap.check(f"{judge.name}: of {len(named)} cuts of {path.name} it exits at {exits}, all told before", complaints)

    wanted, mended, complaints = sorted(verdict.write(text).splitlines()[:-1]), set(), []
    for cut in range(len(text)):
        status, out = verdict.mend(text[:cut], text)
        if status not in ("torn-from-copy", "torn-own-rows"):
            complaints.append(f"cut at {cut}: {status}")
        elif sorted(out.read_bytes().splitlines()[:-1]) != wanted:
            complaints.append(f"cut at {cut}: rows differ")
        else:
            mended.add(out.read_bytes())
    complaints += ["the server exits at a mended file"] * judge_all(judge, sorted(mended)).count(False)
    tap.check(f"{judge.name}: every cut is mended by the copy to the whole table, and loaded", complaints)


def damage(dice, text, other):
    """One of the ways in which a file goes bad, or somebody's editor makes it so."""
    at, length = dice.randrange(len(text)), dice.randrange(1, 80)
    kind = dice.randrange(6)
    if kind == 0:
        return text[:at] + bytes([dice.randrange(256)]) + text[at + 1:]
    if kind == 1:
        return text[:at] + text[at + length:]
    if kind == 2:
        return text[:at] + text[at:at + length] + text[at:]
    if kind == 3:
        return text[:at] + other[at:]
    if kind == 4:
        return text[:at] + dice.choice([b" ", b",", b"-", b"\n", b"@", b":", b"9", b"[", b"="]) + text[at:]
    return text[:at] + b"\0" * length + text[at + length:]


def check_damaged(tap, verdict, judge, files):
    dice = random.Random(20260101)
    texts = [path.read_bytes() for path in files]
    named, mended = [], []
    for number in range(DAMAGES):
        text = dice.choice(texts)
        bad = damage(dice, text, dice.choice(texts))
        if not judge.knows(bad) or not judge.knows(text):
            continue
        lines = [line for line in bad.splitlines() if line not in text.splitlines()]
        named.append((f"damage {number} {lines!r}", bad, verdict.parse(bad)))
        status, out = verdict.mend(bad, text)
        if status not in ("other-id", "impossible", "nothing"):
            mended.append((f"damage {number}, mended {lines!r}", out.read_bytes(), "ok"))
    complaints, exits = ask_all(judge, named)
    tap.check(f"{judge.name}: of {len(named)} damaged files it exits at {exits}, all told before", complaints)
    complaints, _ = ask_all(judge, mended)
    tap.check(f"{judge.name}: all {len(mended)} that were mended are loaded", complaints)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        verdict = Verdict(pathlib.Path(directory))
        for judge in judges():
            files = [path for path in sorted(GOLDEN.glob("*.conf")) if judge.knows(path.read_bytes())]
            check_cases(tap, verdict, judge)
            check_recorded(tap, verdict, judge, files)
            check_torn(tap, verdict, judge, GOLDEN / f"six-{judge.name}.conf")
            check_damaged(tap, verdict, judge, files)
        verdict.close()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
