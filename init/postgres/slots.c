#include "init/postgres/slots.h"

#include <stdio.h>
#include <string.h>

#include "init/postgres/access.h"
#include "roles/lsn.h"

#define DUPLICATE_OBJECT "42710"
#define UNDEFINED_OBJECT "42704"
#define FIRST_READ_SLOT 150000

bool slots_ensure_own(struct pg_client *client, int server, int ordinal, int64_t deadline_ns,
                      struct err *err)
{
    char name[32];
    char command[96];
    postgres_slot_name(ordinal, name);
    /* The same words in 13 to 18 (PostgreSQL 17 docs, 54.4, CREATE_REPLICATION_SLOT, the old syntax). */
    (void)snprintf(command, sizeof command, "CREATE_REPLICATION_SLOT %s PHYSICAL RESERVE_WAL",
                   name);
    struct pg_call call = pg_call_new(server, command);
    pg_client_round(client, &call, 1, deadline_ns, deadline_ns);
    bool there = call.answer == PG_ROWS ||
                 (call.answer == PG_ERROR && strcmp(call.sqlstate, DUPLICATE_OBJECT) == 0);
    if (!there)
        (void)pg_call_err(&call, name, err);
    pg_call_free(&call);
    return there;
}

bool slots_renew(struct pg_client *client, int server, int ordinal, bool reserved,
                 int64_t deadline_ns, struct err *err)
{
    char name[32];
    char drop[96];
    char make[96];
    postgres_slot_name(ordinal, name);
    (void)snprintf(drop, sizeof drop, "DROP_REPLICATION_SLOT %s", name);
    (void)snprintf(make, sizeof make, "CREATE_REPLICATION_SLOT %s PHYSICAL%s", name,
                   reserved ? " RESERVE_WAL" : "");
    struct pg_call calls[2] = {pg_call_new(server, drop), pg_call_new(server, make)};
    pg_client_round(client, calls, 2, deadline_ns, deadline_ns);
    const struct pg_call *failed = &calls[1];
    if (calls[0].answer == PG_ERROR && strcmp(calls[0].sqlstate, UNDEFINED_OBJECT) != 0)
        failed = &calls[0];
    bool done = failed->answer == PG_ROWS || pg_call_err(failed, name, err);
    pg_calls_free(calls, 2);
    return done;
}

uint64_t slots_held_from(struct pg_client *client, int server, int ordinal, int64_t deadline_ns)
{
    char name[32];
    char command[96];
    uint64_t lsn = 0;
    if (pg_client_version(client, server) < FIRST_READ_SLOT)
        return 0;
    postgres_slot_name(ordinal, name);
    (void)snprintf(command, sizeof command, "READ_REPLICATION_SLOT %s", name);
    struct pg_call call = pg_call_new(server, command);
    pg_client_round(client, &call, 1, deadline_ns, deadline_ns);
    const char *text = pg_call_value(&call, 0, 1);
    if (call.answer != PG_ROWS || !lsn_parse((struct span){text, strlen(text)}, &lsn))
        lsn = 0;
    pg_call_free(&call);
    return lsn;
}

bool slots_make(struct pg_client *client, int server, const char *who, int first, int count,
                int own, int64_t deadline_ns, struct err *err)
{
    static const char drop[] =
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
        "WHERE slot_name = $1 AND wal_status = 'lost' AND NOT active";
    static const char make[] =
        "SELECT pg_create_physical_replication_slot($1) "
        "WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)";
    for (int ordinal = first; ordinal < first + count; ordinal++) {
        char name[32];
        if (ordinal == own)
            continue;
        postgres_slot_name(ordinal, name);
        struct pg_call calls[2] = {pg_call_new(server, drop), pg_call_new(server, make)};
        for (int i = 0; i < 2; i++) {
            calls[i].params[0] = name;
            calls[i].param_count = 1;
        }
        bool done = pg_client_run(client, calls, 2, who, deadline_ns, err);
        pg_calls_free(calls, 2);
        if (!done)
            return false;
    }
    return true;
}

bool slots_drop(struct pg_client *client, int server, const char *who, const char *name,
                int64_t deadline_ns, struct err *err)
{
    struct pg_call call =
        pg_call_new(server, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
                            "WHERE slot_name = $1 AND NOT active");
    call.params[0] = name;
    call.param_count = 1;
    bool done = pg_client_run(client, &call, 1, who, deadline_ns, err);
    pg_call_free(&call);
    return done;
}
