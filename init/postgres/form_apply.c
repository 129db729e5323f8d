#include "init/postgres/form_apply.h"

#include <stdio.h>

#include "init/postgres/alter_system.h"
#include "init/postgres/repair.h"
#include "init/postgres/role.h"
#include "init/postgres/slots.h"
#include "init/sys/clock.h"

/* One step of a plan, unless the command ends earlier. */
#define STEP_MS 10000

/* The pod that a step is about, as its parts need it. */
struct place {
    struct pg_client *client;
    size_t index;
    int server;
    char who[512];
    int64_t deadline_ns;
};

static bool record(struct pg_form_look *look, const struct place *place, bool claim,
                   struct err *err)
{
    struct pg_observer *observer = &look->observer;
    const struct pg_member *member = &observer->members[place->index];
    struct identity identity = pg_observer_identity(observer, place->index);
    bool won = true;
    return named_record(&observer->named, observer->store, &identity, claim,
                        member->system_identifier, member->timeline, &won, place->deadline_ns,
                        err) &&
           (won || err_set(err, ERR_LATER, "the register was changed by somebody else"));
}

typedef bool slot_filter(const struct pg_form_look *look, size_t i, const struct pg_slot *slot);

static bool drop(const struct pg_form_look *look, const struct place *place, slot_filter *filter,
                 struct err *err)
{
    const struct pg_member *member = &look->observer.members[place->index];
    for (size_t i = 0; i < member->slot_count; i++)
        if (filter(look, place->index, &member->slots[i]) &&
            !slots_drop(place->client, place->server, place->who, member->slots[i].name,
                        place->deadline_ns, err))
            return false;
    return true;
}

static bool make_slots(const struct pg_form_look *look, const struct place *place, struct err *err)
{
    const struct pg_observer *observer = &look->observer;
    return drop(look, place, pg_form_slot_is_vain, err) &&
           slots_make(place->client, place->server, place->who, observer->identity.ordinal_start,
                      observer->settings->replicas, observer->members[place->index].peer->ordinal,
                      place->deadline_ns, err);
}

static bool follow(const struct pg_form_look *look, const struct place *place, struct err *err)
{
    const struct pg_observer *observer = &look->observer;
    struct identity identity = pg_observer_identity(observer, place->index);
    return repair_follow(place->client, place->server, place->who, observer->settings, &identity,
                         observer->named.ordinal, place->deadline_ns, err);
}

bool pg_form_apply(struct pg_form_look *look, const struct pg_form_step *step, int64_t deadline_ns,
                   struct err *err)
{
    struct place place = {
        .client = look->observer.peers.client,
        .index = (size_t)step->pod,
        .server = pg_observer_server(&look->observer, (size_t)step->pod),
        .deadline_ns = clock_part_ns(deadline_ns, STEP_MS),
    };
    pg_observer_describe(&look->observer, place.index, place.who);
    switch (step->kind) {
    case PG_FORM_ADOPT:
    case PG_FORM_RECORD:
        return record(look, &place, step->kind == PG_FORM_ADOPT, err);
    case PG_FORM_ROLE:
        return role_make(place.client, place.server, place.who, &look->observer.access,
                         place.deadline_ns, err);
    case PG_FORM_SLOTS:
        return make_slots(look, &place, err);
    case PG_FORM_DROP_SLOTS:
        return drop(look, &place, pg_form_slot_is_left, err);
    case PG_FORM_FOLLOW:
        return follow(look, &place, err);
    case PG_FORM_SYNCHRONOUS:
        return alter_system(place.client, place.server, place.who, "synchronous_standby_names",
                            buf_text(&look->synchronous), place.deadline_ns, err);
    case PG_FORM_STEP_KINDS:
        break;
    }
    return err_set(err, ERR_BUG, "no such step");
}

void pg_form_step_sentence(const struct pg_form_look *look, const struct pg_form_step *step,
                           char text[static 1024])
{
    char who[512];
    pg_observer_describe(&look->observer, (size_t)step->pod, who);
    (void)snprintf(text, 1024, "%s: %s", postgres_form_step_name(step->kind), who);
}
