#!/usr/bin/python3
"""A register that was made anew, or that knows less than the volumes: no second initdb, and a way out."""

import os

from common import lab, postgres
from lab import check, equal


def a_register_made_anew(world):
    """the register is made anew and the first volume is lost: no initdb beside the standbys' data, promote settles it"""
    with postgres(world) as one, one.guard():
        one.up(90)
        one.wait_healthy(30)
        with one.writer() as writer:
            writer.wait_rows(50)
        one.wait_healthy(30)
        system = one.register_of()["system-identifier"]
        one.delete_all()
        os.unlink(os.path.join(one.register, "pg-ordain"))
        one.pods[0].volume.clear()
        one.pods[0].close_gate("main")
        for pod in one.pods:
            pod.recreate()
        one.wait(lambda: one.register_of().get("seeded.1") and one.register_of().get("seeded.2"), 30,
                 "pods with data tell it of themselves")
        one.pods[0].open_gate("main")
        one.wait(lambda: "had data" in " ".join(one.pods[0].termination.values()), 30, "it is refused",
                 one.pods[0].describe)
        check("system-identifier" not in one.register_of(), f"nothing was born: {one.register_of()}")
        result = one.job("ordain", "promote", "postgres", "--peer-is-dead", "pg-0", "--timeout", "30s")
        equal(result.rc, 0, f"{result!r}")
        one.wait_healthy(60)
        equal(one.register_of()["system-identifier"], system, "the same database")
        for pod in one.pods:
            equal(writer.lost(pod.ordinal), [], f"{pod.name}'s rows")


SCENARIOS = [a_register_made_anew]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
