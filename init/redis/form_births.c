#include "init/redis/form_births.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/sys/clock.h"
#include "init/sys/log.h"

/* A look goes on without the register, and the next one asks again. */
#define REGISTER_MS 2000

/* What the register says of one pod. */
struct birth_keys {
    char seeded[32], node[32];
};

/* Asks for all pods at once: readings 2i and 2i + 1 are of pod i, their keys are gone. malloc'd, NULL with
 * ERR. */
static struct register_reading *ask_register(const struct form_look *look, int64_t deadline_ns,
                                             struct err *err)
{
    const struct birth_spec *spec = &look->observer.spec;
    size_t count = (size_t)spec->replicas;
    struct birth_keys *keys = calloc(count, sizeof *keys);
    struct register_reading *readings = calloc(count, 2 * sizeof *readings);
    bool good = keys != NULL && readings != NULL;
    for (size_t i = 0; i < count && good; i++) {
        int ordinal = spec->start + (int)i;
        (void)snprintf(keys[i].seeded, sizeof keys[i].seeded, "seeded.%d", ordinal);
        (void)snprintf(keys[i].node, sizeof keys[i].node, "node.%d", ordinal);
        readings[2 * i].key = keys[i].seeded;
        readings[2 * i + 1].key = keys[i].node;
    }
    good = good ? register_get_all(look->store, readings, 2 * count, deadline_ns, err)
                : err_set(err, ERR_IO, "out of memory");
    free(keys);
    if (good)
        return readings;
    free(readings);
    return NULL;
}

/* The node's id that READING tells, "" where it is none. */
static const char *id_of(const struct register_reading *reading)
{
    return strlen(reading->value) == REDIS_ID_LEN ? reading->value : "";
}

/* Which ids the pods were born with, and which they have since they lost their volumes. A server that
 * init never seeded has an id of its own choice; from its birth by form on the register tells that it is
 * ours. *NEWS: it told something new. */
static bool read_births(struct form_look *look, int64_t deadline_ns, bool *news, struct err *err)
{
    *news = false;
    struct register_reading *readings = ask_register(look, deadline_ns, err);
    if (readings == NULL)
        return false;
    for (int i = 0; i < look->observer.spec.replicas; i++) {
        char *known = look->observer.recorded[i];
        const char *seeded = id_of(&readings[2 * (size_t)i]);
        const char *present = id_of(&readings[2 * (size_t)i + 1]);
        memcpy(look->seeded[i], seeded, strlen(seeded) + 1);
        const char *id = *seeded != '\0' && *present != '\0' ? present : seeded;
        if (*id == '\0' || strcmp(id, known) == 0)
            continue;
        memcpy(known, id, REDIS_ID_LEN + 1);
        *news = true;
    }
    free(readings);
    look->births_known = true;
    return true;
}

bool form_births_know(struct form_look *look, int64_t deadline_ns)
{
    bool news;
    int64_t until_ns = clock_part_ns(deadline_ns, REGISTER_MS);
    if (!read_births(look, until_ns, &news, &look->register_err))
        log_debug("%s", look->register_err.message);
    return news;
}

void form_births_note(struct form_look *look)
{
    const struct observer *observer = &look->observer;
    for (int i = 0; i < look->wish.replicas; i++) {
        const struct cluster_member *member = &observer->members[i];
        if (*look->seeded[i] != '\0' && member->contact == MEMBER_ANSWERED &&
            strcmp(look->seeded[i], member->id) != 0)
            look->wish.was_seeded = true;
    }
}

/* --- a birth by form --- */

static bool record_birth(struct form_look *look, const struct cluster_member *member,
                         int64_t deadline_ns, struct err *err)
{
    char key[32];
    char present[REGISTER_VALUE_MAX];
    bool swapped = false;
    (void)snprintf(key, sizeof(key), "seeded.%d", member->ordinal);
    if (!register_swap(look->store, key, NULL, member->id, &swapped, present, deadline_ns, err))
        return false;
    if (swapped || strcmp(present, member->id) == 0)
        return true;
    if (look->wish.accept_empty_shard && /* a person begins anew */
        !register_swap(look->store, key, present, member->id, &swapped, present, deadline_ns, err))
        return false;
    return swapped || err_set(err, ERR_REFUSED, "%s", redis_form_sentence(FORM_WAS_SEEDED));
}

static bool record_births(struct form_look *look, bool *recorded, int64_t deadline_ns,
                          struct err *err)
{
    if (*recorded)
        return true;
    for (size_t i = 0; i < (size_t)look->wish.replicas; i++) {
        const struct cluster_member *member = &look->observer.members[i];
        if (register_kind(look->store) != REGISTER_NONE &&
            !record_birth(look, member, deadline_ns, err))
            return false;
        memcpy(look->observer.recorded[i], member->id, sizeof(member->id));
    }
    *recorded = true;
    return true;
}

bool form_births_allow(struct form_look *look, bool *recorded, int64_t deadline_ns, struct err *err)
{
    if (look->plan.reason != FORM_GIVES_BIRTH)
        return true;
    bool news;
    if (!*recorded && !read_births(look, deadline_ns, &news, err))
        return false;
    form_births_note(look);
    redis_form_decide(&look->observer.picture, &look->wish, &look->plan);
    return look->plan.verdict != FORM_WORK || record_births(look, recorded, deadline_ns, err);
}
