#!/usr/bin/python3
"""A register that was made anew, or that knows less than the volumes: no second initdb, and a way out."""

import os

from common import lab, postgres
from lab import check, equal
from pg_births import Births
from pg_cells import write_register


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
        for pod in one.pods:
            pod.recreate()
        one.wait(lambda: "had data" in one.pods[0].termination.get("init", ""), 30, "it is refused", one.pods[0].describe)
        told = one.register_of()
        equal((told["holds.0"], told["holds.1"], told["holds.2"]), ("nothing", "1", "1"), "what the pods have told")
        check("primary" not in told and "system-identifier" not in told, f"nothing was born: {told}")
        write_register(one, primary="pg-1", promoted_at="0/1")  # as docs/register.md says
        one.wait_healthy(60)
        equal(one.register_of()["system-identifier"], system, "the same database")
        for pod in one.pods:
            equal(writer.lost(pod.ordinal), [], f"{pod.name}'s rows")


def an_adoption_that_stayed_on(world):
    """--adopt was left on and the register is made anew: a primary of before a promotion is not adopted over the newer one"""
    with postgres(world, env={"ORDAIN_ADOPT": "true"}) as one, one.guard():
        one.up(90)
        one.wait_healthy(30)
        with one.writer() as writer:
            writer.wait_rows(20)
            one.pods[0].delete()
            equal(one.job("ordain", "promote", "postgres", "pg-1", "--peer-is-dead", "pg-0").rc, 0, "promote")
            writer.wait_rows(50)
        one.wait(lambda: one.streaming(1), 30, "pg-2 follows")
        one.delete_all()
        os.unlink(os.path.join(one.register, "pg-ordain"))
        for pod in one.pods:
            pod.recreate()
        one.wait_healthy(60)
        equal(one.named(), one.pods[1], "who was adopted")
        for pod in one.pods:
            equal(writer.lost(pod.ordinal), [], f"{pod.name}'s rows")


def a_pod_that_does_not_tell(world):
    """a pod that has an address and never begins its start holds a first birth up for some seconds alone"""
    with postgres(world) as one:
        one.pods[2].close_gate("init")
        one.start()
        one.wait(lambda: one.is_primary(0), 60, "the birth")
        check("pg-2, which has an address, to tell" in one.pods[0].log("init"), one.pods[0].log("init"))
        one.pods[2].open_gate("init")
        one.wait_healthy(60)


def half_of_a_birth(world):
    """the register is made anew in the middle of a first initdb: half of one is no data, and the birth begins again"""
    births = Births(world)
    with births.one as one:
        births.at("after initdb")
        stand = births.waiting()
        stand.go_on()
        births.reach("after initdb")
        births.at("")
        one.pods[0].delete(force=True)
        os.unlink(os.path.join(one.register, "pg-ordain"))
        one.pods[0].recreate()
        one.wait_healthy(60)
        told = one.register_of()
        equal((told["holds.0"], told["seeded.0"], told["primary"]), ("nothing", "data", "pg-0"), "the register")
        check(stand.has(".half-initdb"), "what was half is kept aside")


def damaged_data(world):
    """the register is made anew, the first volume is lost, and all that is left is damaged: it is data all the same"""
    with postgres(world, replicas=2) as one:
        one.up(90)
        one.wait_healthy(30)
        one.delete_all()
        os.unlink(os.path.join(one.register, "pg-ordain"))
        one.pods[0].volume.clear()
        os.truncate(os.path.join(one.pgdata(1), "global/pg_control"), 100)
        for pod in one.pods:
            pod.recreate()
        one.wait(lambda: "had data" in one.pods[0].termination.get("init", ""), 30, "it is refused", one.pods[0].describe)
        told = one.register_of()
        equal((told["holds.0"], told["holds.1"], told["seeded.1"]), ("nothing", "damaged data", "data"), "what is told")
        equal(os.listdir(one.pods[0].volume.path), ["pgdata.ordain-lock"], "nothing is begun")


SCENARIOS = [a_register_made_anew, an_adoption_that_stayed_on, a_pod_that_does_not_tell, half_of_a_birth, damaged_data]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
