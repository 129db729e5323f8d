#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "init/identity.h"
#include "init/postgres/form.h"
#include "init/postgres/local.h"
#include "init/postgres/named.h"
#include "init/postgres/role.h"
#include "init/postgres/slots.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"
#include "roles/text.h"

/* What the register may take of the image's initdb. */
#define REGISTER_MS 10000

struct newborn {
    const struct settings *settings;
    struct identity identity;
    struct datadir datadir;
    struct postgres_access access;
    struct local local;
    int64_t deadline_ns;
};

static bool record(struct newborn *born, struct err *err)
{
    struct pg_call call;
    struct named named;
    struct register_store *store = NULL;
    struct err failure;
    uint64_t identifier = 0;
    bool won = true;
    int64_t until_ns = clock_part_ns(born->deadline_ns, REGISTER_MS);
    if (!local_ask(&born->local, &call, "SELECT system_identifier FROM pg_control_system()", NULL,
                   0, born->deadline_ns, err)) {
        pg_call_free(&call);
        return false;
    }
    const char *text = pg_call_value(&call, 0, 0);
    bool good = text_u64((struct span){text, strlen(text)}, &identifier);
    pg_call_free(&call);
    if (!good)
        return err_set(err, ERR_LATER, "the server tells no system identifier");
    if (!register_open(&store, born->settings->register_name, born->identity.statefulset,
                       born->identity.namespace_name, born->identity.cluster_id, err))
        return false;
    good = named_read(&named, store, &born->identity, until_ns, &failure);
    if (good && register_kind(store) != REGISTER_NONE && named.ordinal != born->identity.ordinal)
        good = err_set(&failure, ERR_REFUSED, "the register names another primary by now");
    good = good && named_record(&named, store, &born->identity, false, identifier, 1, &won,
                                until_ns, &failure);
    register_close(store);
    if (good)
        return true;
    if (failure.kind != ERR_LATER) {
        *err = failure;
        return false;
    }
    log_warn("%s; the readiness probe records it later", failure.message);
    return true;
}

bool form_postgres_initdb(const struct settings *settings, int64_t deadline_ns, struct err *err)
{
    struct newborn born = {.settings = settings, .deadline_ns = deadline_ns};
    char text[IDENTITY_NAME_MAX * 2 + 1];
    born.datadir.lock = -1;
    bool done = identity_read(&born.identity, settings, true, true, err) &&
                datadir_open(&born.datadir, settings->data_dir, err) &&
                postgres_access_open(&born.access, settings, err) &&
                local_open(&born.local, &born.datadir, &born.access, err) &&
                role_make(born.local.client, born.local.server, "this pod's server", &born.access,
                          deadline_ns, err) &&
                role_strengthen_admin(born.local.client, born.local.server, "this pod's server",
                                      &born.access, deadline_ns, err) &&
                slots_make(born.local.client, born.local.server, "this pod's server",
                           born.identity.ordinal_start, settings->replicas, born.identity.ordinal,
                           deadline_ns, err) &&
                record(&born, err);
    (void)snprintf(text, sizeof text, "%s\n", born.identity.cluster_id);
    done = done && datadir_write_mark(&born.datadir, DATADIR_DONE, text, err);
    local_close(&born.local);
    postgres_access_close(&born.access);
    datadir_close(&born.datadir);
    return done;
}
