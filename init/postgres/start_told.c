#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/postgres/start_internal.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"
#include "roles/text.h"

/* What a pod's volume holds: the timeline of its data, or one of these words. Told while the register names
 * nobody. */
#define NOTHING "nothing"
#define DAMAGED_DATA "damaged data"
#define KEY_MAX 32
#define REGISTER_MS 2000
/* A pod that has an address has begun its start, and tells within a moment; one that cannot must not hold up
 * the first birth for ever. */
#define PATIENCE_MS 5000

static void key_of(int ordinal, char key[static KEY_MAX])
{
    (void)snprintf(key, KEY_MAX, "holds.%d", ordinal);
}

/* What half of a first initdb left is nobody's data, and neither is what is not Postgres'. */
static bool holds_data(enum pg_data data)
{
    return data != PG_DATA_EMPTY && data != PG_DATA_HALF && data != PG_DATA_FOREIGN;
}

void pg_start_tell(struct pg_start *start)
{
    char key[KEY_MAX];
    char value[24] = NOTHING;
    char present[REGISTER_VALUE_MAX];
    struct err why;
    bool found = false;
    bool swapped;
    const struct control_file *control = &start->datadir.control;
    bool data = holds_data(start->facts.data);
    int64_t until_ns = clock_part_ns(start->deadline_ns, REGISTER_MS);
    if (start->facts.named != PG_NAMED_NOBODY || start->told)
        return;
    key_of(start->identity.ordinal, key);
    if (data && control->system_identifier != 0)
        (void)snprintf(value, sizeof value, "%" PRIu32, control_file_timeline(control));
    else if (data)
        (void)snprintf(value, sizeof value, DAMAGED_DATA);
    start->told = register_get(start->store, key, present, &found, until_ns, &why) &&
                  ((found && strcmp(present, value) == 0) ||
                   register_swap(start->store, key, found ? present : NULL, value, &swapped, NULL,
                                 until_ns, &why)) &&
                  (!data || named_record_seeded(&start->named, start->store, &start->identity,
                                                until_ns, &why));
    if (!start->told)
        log_debug("%s", why.message);
}

static bool is_later(const char *told, uint32_t mine)
{
    uint64_t timeline;
    return text_u64((struct span){told, strlen(told)}, &timeline) && timeline > mine;
}

bool pg_start_hear(struct pg_start *start, struct err *err)
{
    size_t count = start->peers.count;
    char(*keys)[KEY_MAX] = calloc(count + 1, sizeof *keys);
    struct register_reading *readings = calloc(count + 1, sizeof *readings);
    bool done = (keys != NULL && readings != NULL) || err_set(err, ERR_IO, "out of memory");
    for (size_t i = 0; done && i < count; i++) {
        key_of(start->peers.peers[i].ordinal, keys[i]);
        readings[i].key = keys[i];
    }
    done = done && register_get_all(start->store, readings, count,
                                    clock_part_ns(start->deadline_ns, REGISTER_MS), err);
    start->untold = NULL;
    start->facts.later_told = false;
    for (size_t i = 0; done && i < count; i++) {
        const struct pg_peer *peer = &start->peers.peers[i];
        /* told since this look began, in which the register was read for `born` */
        if (readings[i].found && strcmp(readings[i].value, NOTHING) != 0)
            start->facts.born = true;
        bool later = is_later(readings[i].value, control_file_timeline(&start->datadir.control));
        start->facts.later_told = start->facts.later_told || later;
        if (!readings[i].found && peer->name == DNS_FOUND && peer->answer != PG_ROWS)
            start->untold = peer;
    }
    free(keys);
    free(readings);
    return done;
}

bool pg_start_must_hear(struct pg_start *start)
{
    enum pg_action action = start->decision.action;
    if (start->facts.named != PG_NAMED_NOBODY || start->untold == NULL ||
        (action != PG_INITDB && action != PG_ADOPT))
        return false;
    if (start->hear_until_ns == 0)
        start->hear_until_ns = clock_part_ns(start->deadline_ns, PATIENCE_MS);
    return !clock_expired(start->hear_until_ns);
}
