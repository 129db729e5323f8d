#include <stdio.h>
#include <string.h>

#include "init/redis/start_internal.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"

/* How long a start that goes on without the register waits for it. */
#define REGISTER_MS 2000

static void seeded_key(const struct start *start, char key[32])
{
    (void)snprintf(key, 32, "seeded.%d", start->identity.ordinal);
}

/* For what the register shall learn or tell, though the start goes on without. */
static int64_t patience_ns(const struct start *start)
{
    return clock_part_ns(start->deadline_ns, REGISTER_MS);
}

static void node_key(const struct start *start, char key[32])
{
    (void)snprintf(key, 32, "node.%d", start->identity.ordinal);
}

static void take_readings(struct start *start, const struct register_reading *seeded,
                          const struct register_reading *node)
{
    start->facts.seeded = seeded->found ? START_REGISTER_SEEDED : START_REGISTER_UNSEEDED;
    memcpy(start->seeded_id, seeded->value, sizeof(start->seeded_id));
    start->has_node_id = node->found;
    memcpy(start->node_id, node->value, sizeof(start->node_id));
    /* The birth that was begun here is not the one that the register knows. */
    if (seeded->found && start->facts.mark == START_MARK_SEEDING &&
        strcmp(seeded->value, start->birth_id) != 0)
        start->facts.mark = START_MARK_BORN;
}

bool start_read_register(struct start *start, struct register_store *store, struct err *err)
{
    char keys[2][32];
    struct register_reading readings[] = {{.key = keys[0]}, {.key = keys[1]}};
    start->facts.seeded = START_REGISTER_NONE;
    if (register_kind(store) == REGISTER_NONE)
        return true;
    seeded_key(start, keys[0]);
    node_key(start, keys[1]);
    bool needed = redis_start_needs_register(&start->facts);
    int64_t until_ns = needed ? start->deadline_ns : patience_ns(start);
    if (register_get_all(store, readings, 2, until_ns, err)) {
        take_readings(start, &readings[0], &readings[1]);
        return true;
    }
    start->facts.seeded = START_REGISTER_UNREACHABLE;
    /* A start that needs no register goes on without; but not with another cluster's. */
    bool needless = !needed && err->kind != ERR_REFUSED && !register_is_newer(store);
    if (err->kind != ERR_LATER && !needless)
        return false;
    log_warn("%s", err->message);
    return true;
}

/* The register learns of the birth before nodes.conf says it: whoever finds the volume empty later knows
 * that it was full. */
bool start_record_birth(struct start *start, struct register_store *store, struct err *err)
{
    char key[32];
    char present[REGISTER_VALUE_MAX];
    bool swapped = false;
    if (register_kind(store) == REGISTER_NONE)
        return true;
    seeded_key(start, key);
    if (!register_swap(store, key, NULL, start->birth_id, &swapped, present, start->deadline_ns,
                       err))
        return false;
    if (swapped || strcmp(present, start->birth_id) == 0) /* its own, of a run that was killed */
        return true;
    return err_set(err, ERR_LATER, "%s has learned of this pod's birth just now: look again",
                   register_describe(store));
}

/* A pod that lives and that the register does not know: the register was lost or is new, or the cluster
 * was adopted. Unless it learns of the pod now, a later loss of the volume would look like a birth. */
void start_record_life(struct start *start, struct register_store *store, const char *id)
{
    char key[32];
    bool swapped = false;
    struct err err;
    seeded_key(start, key);
    if (register_swap(store, key, NULL, id, &swapped, NULL, patience_ns(start), &err))
        log_info("%s has learned of this pod", register_describe(store));
    else
        log_warn("%s", err.message);
}

/* A pod that lost its volume is another node than the one that was born: `form` and `status` in a Job know
 * it by what the register says (node.<ordinal>), until its first volume comes back. */
void start_record_node(struct start *start, struct register_store *store, const char *id)
{
    char key[32];
    bool swapped = false;
    struct err err;
    const char *known = start->has_node_id ? start->node_id : start->seeded_id;
    if (strcmp(known, id) == 0)
        return;
    node_key(start, key);
    if (!register_swap(store, key, start->has_node_id ? known : NULL, id, &swapped, NULL,
                       patience_ns(start), &err))
        log_warn("%s", err.message);
}
