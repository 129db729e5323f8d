"""Two clusters in one network: what the scenarios of test_redis_never_merge*.py share."""

from common import lab, ordain
from lab import check, equal

KEYS = 2000
OTHERS = 1000


def ids_of(one):
    """All ids that any server of a lab knows."""
    found = set()
    for pod in one.controller.wanted():
        try:
            found |= {row.id for row in one.cluster_nodes(pod.ordinal)}
        except lab.Unreachable:
            pass
    return found


def apart(one, other):
    """No server knows one of the other cluster, by id or by host name."""
    equal(sorted(ids_of(one) & ids_of(other)), [], "ids known in both clusters")
    for mine in (one, other):
        names = {mine.dns.name_of(pod.name) for pod in mine.pods}
        for pod in mine.controller.wanted():
            try:
                rows = mine.cluster_nodes(pod.ordinal)
            except lab.Unreachable:
                continue
            strange = [row for row in rows if row.hostname and row.hostname not in names]
            equal(strange, [], f"rows of {pod.name}")


def both_whole(one, other, known=None):
    """Both healthy, nothing lost, nobody met."""
    for mine, count in ((one, KEYS), (other, OTHERS)):
        mine.wait_ready(90)
        mine.wait_healthy(60, known=known if mine is one else None)
        mine.check_keys(count)
        equal(mine.count_keys(), count, f"{mine.name}'s keys")
        result = form(mine, "30s")
        equal(result.rc, 0, f"{mine.name}: form finds every server of one mind: {result!r}")
    apart(one, other)


class Two:
    """Two clusters with keys of their own. Context manager: (one, other)."""

    def __init__(self, world, policy="Parallel", **options):
        self.one = ordain(world, policy, **options)
        self.other = ordain(world, name="other", beside=self.one, **options)

    def __enter__(self):
        self.one.__enter__()
        self.other.__enter__()
        for mine in (self.one, self.other):
            mine.start()
        for mine, count in ((self.one, KEYS), (self.other, OTHERS)):
            mine.wait_ready(90)
            mine.wait_healthy(60)
            mine.write_keys(count)
            hold(mine)
        return self.one, self.other

    def __exit__(self, *error):
        self.other.__exit__(*error)
        self.one.__exit__(*error)


def hold(one):
    """Every replica has what its master has."""
    for pod in one.masters_now():
        with one.redis(pod.ordinal, 10) as connection:
            connection.call("WAIT", "1", "5000")


def form(one, timeout="5s", *words):
    """form in a Job, with a deadline of its own."""
    return one.job("ordain", "form", "redis", *words, env={"ORDAIN_TIMEOUT": timeout}, timeout_s=90)


def later(one, seconds, act):
    """A function that calls ACT after a while."""
    def run():
        begin = one.elapsed()
        one.wait(lambda: one.elapsed() - begin > seconds, seconds + 5, "a while")
        act()
    return run


def refused(one, pod, words):
    """A pod whose init must exit 65 with these words and touch nothing of its volume."""
    seen = len(pod.exit_codes.get("init", []))
    before = lab.take(pod.volume.path)
    pod.held = False
    one.wait(lambda: len(pod.exit_codes.get("init", [])) > seen + 1, 60, f"{pod.name}'s init ends, twice")
    equal(set(pod.exit_codes["init"][seen:]), {65}, f"{pod.name}'s init")
    check(words in pod.termination["init"], f"{pod.name} says why: {pod.termination['init']!r}")
    changed = [line for line in lab.differences(before, lab.take(pod.volume.path)) if "owner" not in line]
    equal(changed, [], f"{pod.name}'s volume")
