#include "init/postgres/named.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "init/postgres/wal_files.h"
#include "roles/lsn.h"
#include "roles/text.h"

#define SEEDED_MAX 32
#define SEEDED_PREFIX "seeded."
#define SEEDED "data"

static bool number_of(const struct register_reading *reading, const struct register_store *store,
                      uint64_t most, uint64_t *number, struct err *err)
{
    struct span text = {reading->value, strlen(reading->value)};
    *number = 0;
    if (!reading->found || (text_u64(text, number) && *number > 0 && *number <= most))
        return true;
    return err_set(err, ERR_CONFIG, "the register %s is damaged: its %s is '%.40s'",
                   register_describe(store), reading->key, reading->value);
}

static void seeded_key(const struct identity *identity, char key[static SEEDED_MAX])
{
    (void)snprintf(key, SEEDED_MAX, SEEDED_PREFIX "%d", identity->ordinal);
}

bool named_read(struct named *named, struct register_store *store, const struct identity *identity,
                int64_t deadline_ns, struct err *err)
{
    char seeded[SEEDED_MAX];
    struct register_reading readings[] = {
        {.key = "primary"          },
        {.key = "system-identifier"},
        {.key = "timeline"         },
        {.key = "promoted-at"      },
        {.key = SEEDED_PREFIX,       .prefix = true},
        {.key = seeded                         }
    };
    uint64_t timeline;
    seeded_key(identity, seeded);
    *named = (struct named){.ordinal = -1};
    if (register_kind(store) == REGISTER_NONE) {
        named->known = true;
        named->ordinal = identity->ordinal_start;
        return true;
    }
    size_t count = identity->ordinal >= 0 ? 6 : 5; /* outside of a pod nobody is "this one" */
    if (!register_get_all(store, readings, count, deadline_ns, err) ||
        !number_of(&readings[1], store, UINT64_MAX, &named->system_identifier, err) ||
        !number_of(&readings[2], store, UINT32_MAX, &timeline, err))
        return false;
    named->timeline = (uint32_t)timeline;
    named->born = readings[4].found || named->system_identifier != 0;
    named->seeded = readings[5].found;
    if (readings[3].found && !lsn_parse((struct span){readings[3].value, strlen(readings[3].value)},
                                        &named->promoted_at))
        return err_set(err, ERR_CONFIG, "the register %s is damaged: its promoted-at is '%.40s'",
                       register_describe(store), readings[3].value);
    if (readings[0].found) {
        named->ordinal = identity_ordinal_of(identity, readings[0].value);
        if (named->ordinal < 0) {
            return err_set(err, ERR_CONFIG,
                           "the register %s names '%.80s' as the primary, which is no pod of '%s'",
                           register_describe(store), readings[0].value, identity->statefulset);
        }
    }
    named->known = true;
    return true;
}

enum pg_named named_of(const struct named *named, const struct register_store *store,
                       const struct identity *identity)
{
    if (!named->known)
        return PG_NAMED_UNREACHABLE;
    if (register_kind(store) == REGISTER_NONE)
        return PG_NAMED_UNASKED;
    if (named->ordinal < 0)
        return PG_NAMED_NOBODY;
    return named->ordinal == identity->ordinal ? PG_NAMED_ME : PG_NAMED_OTHER;
}

bool named_is_outdated(const struct named *named, const struct datadir *datadir, uint64_t lsn)
{
    const struct control_file *control = &datadir->control;
    return named->timeline != 0 &&
           (control_file_timeline(control) > named->timeline ||
            wal_files_timeline_at(datadir->path, control->segment_bytes, lsn) > named->timeline);
}

bool named_remember(const struct named *named, const struct identity *identity,
                    struct datadir *datadir, struct err *err)
{
    char name[IDENTITY_NAME_MAX];
    char text[IDENTITY_NAME_MAX + 1];
    if (!named->known || named->ordinal < 0)
        return true;
    identity_pod_name(identity, named->ordinal, name);
    if (strcmp(name, datadir->remembered) == 0)
        return true;
    (void)snprintf(text, sizeof text, "%s\n", name);
    if (!datadir_write_mark(datadir, DATADIR_PRIMARY, text, err))
        return false;
    (void)snprintf(datadir->remembered, sizeof datadir->remembered, "%s", name);
    return true;
}

int named_followed(const struct named *named, const struct identity *identity,
                   const struct datadir *datadir)
{
    if (named->known)
        return named->ordinal;
    return *datadir->remembered != '\0' ? identity_ordinal_of(identity, datadir->remembered) : -1;
}

bool named_record(struct named *named, struct register_store *store,
                  const struct identity *identity, bool claim, uint64_t system_identifier,
                  uint32_t timeline, bool *won, int64_t deadline_ns, struct err *err)
{
    char identifier[24];
    char timelines[2][24];
    size_t count = 0;
    /* unless this pod claims it, whoever is named meanwhile records their own */
    struct register_change changes[3] = {
        {"primary", claim ? NULL : identity->pod_name, identity->pod_name}
    };
    *won = true;
    if (register_kind(store) == REGISTER_NONE)
        return true;
    count++;
    if (system_identifier != 0 && named->system_identifier == 0) {
        (void)snprintf(identifier, sizeof identifier, "%" PRIu64, system_identifier);
        changes[count++] = (struct register_change){"system-identifier", NULL, identifier};
    }
    if (timeline > named->timeline) {
        (void)snprintf(timelines[0], sizeof timelines[0], "%" PRIu32, named->timeline);
        (void)snprintf(timelines[1], sizeof timelines[1], "%" PRIu32, timeline);
        changes[count++] = (struct register_change){
            "timeline", named->timeline == 0 ? NULL : timelines[0], timelines[1]};
    }
    if (!claim && count == 1)
        return true;
    return register_swap_all(store, changes, count, won, NULL, deadline_ns, err);
}

bool named_record_seeded(struct named *named, struct register_store *store,
                         const struct identity *identity, int64_t deadline_ns, struct err *err)
{
    char key[SEEDED_MAX];
    bool swapped;
    if (register_kind(store) == REGISTER_NONE || named->seeded || !named->known)
        return true;
    seeded_key(identity, key);
    named->seeded = register_swap(store, key, NULL, SEEDED, &swapped, NULL, deadline_ns, err);
    return named->seeded;
}
