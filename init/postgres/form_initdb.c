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
    struct register_store *store;
    int64_t deadline_ns;
};

static bool ask_identifier(struct newborn *born, uint64_t *identifier, struct err *err)
{
    struct pg_call call;
    bool good = local_ask(&born->local, &call, "SELECT system_identifier FROM pg_control_system()",
                          NULL, 0, born->deadline_ns, err);
    if (good) {
        const char *text = pg_call_value(&call, 0, 0);
        good = text_u64((struct span){text, strlen(text)}, identifier) ||
               err_set(err, ERR_LATER, "the server tells no system identifier");
    }
    pg_call_free(&call);
    return good;
}

/* Nobody else's birth: only what is this pod's own gets the mark of its end. */
static bool read_register(struct newborn *born, uint64_t identifier, struct named *named,
                          int64_t until_ns, struct err *err)
{
    if (!named_read(named, born->store, &born->identity, until_ns, err))
        return false;
    if (register_kind(born->store) == REGISTER_NONE)
        return true;
    if (named->ordinal != born->identity.ordinal)
        return err_set(err, ERR_REFUSED, "the register names another primary by now");
    return named->system_identifier == 0 || named->system_identifier == identifier ||
           err_set(err, ERR_REFUSED,
                   "the register has another system identifier, %" PRIu64
                   ": this initdb was not the first one",
                   named->system_identifier);
}

/*
 * The mark before the register: killed between the two, this is a primary whose register learns the
 * identifier at its next start. The other way round it would be half an initdb of a set that is born.
 */
static bool finish(struct newborn *born, struct err *err)
{
    struct named named;
    struct err failure;
    uint64_t identifier = 0;
    bool won = true;
    char text[IDENTITY_NAME_MAX * 2 + 1];
    int64_t until_ns = clock_part_ns(born->deadline_ns, REGISTER_MS);
    if (!ask_identifier(born, &identifier, err))
        return false;
    bool heard = read_register(born, identifier, &named, until_ns, &failure);
    if (!heard && failure.kind != ERR_LATER) {
        *err = failure;
        return false;
    }
    (void)snprintf(text, sizeof text, "%s\n", born->identity.cluster_id);
    if (!datadir_write_mark(&born->datadir, DATADIR_DONE, text, err))
        return false;
    if (!heard ||
        !named_record(&named, born->store, &born->identity, false, identifier, 1, &won, until_ns,
                      &failure) ||
        !named_record_seeded(&named, born->store, &born->identity, until_ns, &failure))
        log_warn("%s; this pod's next start records it", failure.message);
    return true;
}

bool form_postgres_initdb(const struct settings *settings, int64_t deadline_ns, struct err *err)
{
    struct newborn born = {.settings = settings, .deadline_ns = deadline_ns};
    born.datadir.lock = -1;
    bool done = identity_read(&born.identity, settings, true, true, err) &&
                datadir_open(&born.datadir, settings->data_dir, err) &&
                postgres_access_open(&born.access, settings, err) &&
                register_open(&born.store, settings->register_name, born.identity.statefulset,
                              born.identity.namespace_name, born.identity.cluster_id, err) &&
                local_open(&born.local, &born.datadir, &born.access, err) &&
                role_make(born.local.client, born.local.server, "this pod's server", &born.access,
                          deadline_ns, err) &&
                role_strengthen_admin(born.local.client, born.local.server, "this pod's server",
                                      &born.access, deadline_ns, err) &&
                slots_make(born.local.client, born.local.server, "this pod's server",
                           born.identity.ordinal_start, settings->replicas, born.identity.ordinal,
                           deadline_ns, err) &&
                finish(&born, err);
    local_close(&born.local);
    register_close(born.store);
    postgres_access_close(&born.access);
    datadir_close(&born.datadir);
    return done;
}
