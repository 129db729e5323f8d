#include <stdio.h>
#include <string.h>

#include "init/command.h"
#include "init/identity.h"
#include "init/redis/birth_spec.h"

/* Every text in it is of label characters: nothing needs to be quoted. */
static void print_json(const struct birth_spec *spec, const struct identity *identity,
                       const char *role)
{
    int index = birth_spec_index(spec, identity->ordinal);
    char zone[BIRTH_ZONE_MAX];
    birth_spec_zone(spec, identity->ordinal, zone);
    printf("{\"version\": 1, \"ordinal\": %d, \"role\": \"%s\", \"master\": ", identity->ordinal,
           role);
    if (index < 0) {
        printf("null, \"slots\": []");
    } else if (spec->master_of[index] != index) {
        printf("%d, \"slots\": []", spec->master_of[index] + spec->start);
    } else {
        struct slot_range slots = placement_slots(spec->masters, index);
        printf("%d, \"slots\": [[%u, %u]]", identity->ordinal, (unsigned)slots.first,
               (unsigned)slots.last);
    }
    printf(zone[0] != '\0' ? ", \"zone\": \"%s\"}\n" : ", \"zone\": null}\n", zone);
}

/* The first ordinal may run the first initdb; after that the register names the primary. */
static void print_postgres(const struct settings *settings, const struct identity *identity)
{
    bool first = identity->ordinal == identity->ordinal_start;
    const char *role = first ? "primary" : "standby";
    if (settings->output == OUTPUT_JSON)
        printf("{\"version\": 1, \"ordinal\": %d, \"role\": \"%s\"}\n", identity->ordinal, role);
    else
        printf("%s\n", role);
}

/* The role at birth. Redis' pods beyond the birth's size join as replicas. */
bool command_role(const struct invocation *inv, int *status, struct err *err)
{
    (void)status;
    struct identity identity;
    struct birth_spec spec;
    /* a told ordinal is enough: a person may ask from anywhere */
    if (!identity_read(&identity, inv->settings, inv->settings->ordinal < 0, false, err))
        return false;
    if (strcmp(inv->engine, "postgres") == 0) {
        print_postgres(inv->settings, &identity);
        return true;
    }
    if (!birth_spec_read(&spec, inv->settings, &identity, err))
        return false;
    const char *role = birth_spec_is_master(&spec, identity.ordinal) ? "master" : "replica";
    if (inv->settings->output == OUTPUT_JSON)
        print_json(&spec, &identity, role);
    else
        printf("%s\n", role);
    return true;
}
