#include "init/postgres/repair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/postgres/conninfo.h"
#include "init/postgres/promotion.h"
#include "init/postgres/slots.h"
#include "init/sys/clock.h"

#define OWN "this pod's server"

bool repair_follow(struct pg_client *client, int server, const char *who,
                   const struct settings *settings, const struct identity *identity, int primary,
                   int64_t deadline_ns, struct err *err)
{
    struct buf conninfo = buf_new((size_t)16 * 1024);
    struct buf command = buf_new((size_t)64 * 1024);
    struct pg_call calls[2];
    conninfo_write(&conninfo, settings, identity, primary);
    /* the connection must be open for libpq to quote */
    calls[0] = pg_call_new(server, "SELECT 1");
    pg_client_round(client, calls, 1, deadline_ns, deadline_ns);
    bool done = calls[0].answer == PG_ROWS || pg_call_err(&calls[0], who, err);
    pg_call_free(&calls[0]);
    char *quoted = done ? pg_client_literal(client, server, buf_text(&conninfo)) : NULL;
    if (done && quoted == NULL)
        done = err_set(err, ERR_IO, "out of memory");
    if (done) {
        buf_printf(&command, "ALTER SYSTEM SET primary_conninfo = %s", quoted);
        calls[0] = pg_call_new(server, buf_text(&command));
        calls[1] = pg_call_new(server, "SELECT pg_reload_conf()");
        pg_client_round(client, calls, 2, deadline_ns, deadline_ns);
        for (int i = 0; i < 2 && done; i++)
            done = calls[i].answer == PG_ROWS || pg_call_err(&calls[i], who, err);
        pg_calls_free(calls, 2);
    }
    free(quoted);
    buf_free(&conninfo);
    buf_free(&command);
    return done;
}

static bool record(const struct repair_facts *facts, const struct identity *identity,
                   struct named *named, struct register_store *store, int64_t deadline_ns,
                   struct err *err)
{
    bool won;
    return named_record(named, store, identity, false, facts->system_identifier, facts->timeline,
                        &won, deadline_ns, err);
}

bool repair_step(const struct repair_facts *facts, const struct settings *settings,
                 const struct identity *identity, struct named *named, struct register_store *store,
                 struct local *local, int64_t deadline_ns, char step[static 512], struct err *err)
{
    bool none = store == NULL || register_kind(store) == REGISTER_NONE;
    bool mine = named->known && named->ordinal == identity->ordinal;
    step[0] = '\0';
    if (facts->in_recovery && mine && !none) {
        (void)snprintf(step, 512, "; it was told to promote itself");
        return promotion_run(local->client, local->server, OWN, named->timeline, 0, deadline_ns,
                             err);
    }
    if (facts->follows_another && named->known) {
        (void)snprintf(step, 512, "; it was told whom to follow");
        return repair_follow(local->client, local->server, OWN, settings, identity, named->ordinal,
                             deadline_ns, err);
    }
    if (!facts->in_recovery && mine && !none &&
        (named->system_identifier == 0 || named->timeline < facts->timeline)) {
        (void)snprintf(step, 512, "; the register has learned identifier and timeline");
        return record(facts, identity, named, store, deadline_ns, err);
    }
    if (facts->slots + 1 < (uint64_t)settings->replicas) {
        (void)snprintf(step, 512, "; the slots were made anew");
        return slots_make(local->client, local->server, OWN, identity->ordinal_start,
                          settings->replicas, identity->ordinal, deadline_ns, err);
    }
    return true;
}
