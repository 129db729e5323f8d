#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init/postgres/auto_conf.h"
#include "init/postgres/clone.h"
#include "init/postgres/half_wal.h"
#include "init/postgres/rejoin.h"
#include "init/postgres/reserved_history.h"
#include "init/postgres/slots.h"
#include "init/postgres/start_internal.h"
#include "init/render.h"
#include "init/sys/disk.h"
#include "init/sys/file.h"
#include "init/sys/log.h"

/* ---- the register's word */

static void remember(struct pg_start *start)
{
    struct err why;
    if (!named_remember(&start->named, &start->identity, &start->datadir, &why))
        log_warn("%s", why.message);
}

/* This pod is named now, unless somebody was quicker, whom the next look finds. */
static void claimed(struct pg_start *start, bool won, bool *again)
{
    *again = !won;
    if (!won)
        return;
    start->named.ordinal = start->identity.ordinal;
    remember(start);
}

/* ---- births */

/* What half of a first initdb left holds nobody's data; the last one is kept for whoever looks why. */
static bool move_half_aside(struct pg_start *start, struct err *err)
{
    char half[4096];
    if (start->facts.data != PG_DATA_HALF || start->datadir.is_empty) {
        /* WAL that was out of init's reach when it moved the rest */
        return datadir_beside(&start->datadir, DATADIR_HALF, half, err) &&
               half_wal_move_aside(half, err);
    }
    if (!half_wal_move_aside(start->datadir.path, err))
        return false;
    log_info("what the first initdb left is moved to %s" DATADIR_HALF, start->datadir.path);
    return datadir_remove_tree(&start->datadir, DATADIR_HALF, err) &&
           datadir_move_aside(&start->datadir, DATADIR_HALF, err);
}

/* The mark first: killed behind the register's change, the next run knows that nothing was lost. */
static bool begin_initdb(struct pg_start *start, bool *again, struct err *err)
{
    bool won = true;
    char text[IDENTITY_NAME_MAX * 2 + 1];
    (void)snprintf(text, sizeof text, "%s\n", start->identity.cluster_id);
    if (!move_half_aside(start, err) ||
        !datadir_write_mark(&start->datadir, DATADIR_STARTED, text, err) ||
        !datadir_remove_mark(&start->datadir, DATADIR_DONE, err))
        return false;
    if (start->facts.named != PG_NAMED_NOBODY)
        return true;
    if (!named_record(&start->named, start->store, &start->identity, true, 0, 0, &won,
                      start->deadline_ns, err))
        return false;
    claimed(start, won, again);
    return true;
}

static bool adopt(struct pg_start *start, bool *again, struct err *err)
{
    bool won = true;
    const struct control_file *control = &start->datadir.control;
    if (!named_record(&start->named, start->store, &start->identity, true,
                      control->system_identifier, control_file_timeline(control), &won,
                      start->deadline_ns, err))
        return false;
    claimed(start, won, again);
    return true;
}

/* ---- starts */

/* A register that was made anew, or never learned them: the primary's own facts. */
static void record_own(struct pg_start *start)
{
    bool won = true;
    struct err failure;
    const struct control_file *control = &start->datadir.control;
    if (!named_record(&start->named, start->store, &start->identity, false,
                      control->system_identifier, control_file_timeline(control), &won,
                      start->deadline_ns, &failure))
        log_warn("%s", failure.message);
}

/* The primary must hold the WAL that this standby needs from now on; where it cannot be asked, form and
 * its own readiness probe make the slot. */
static void ask_for_slot(struct pg_start *start)
{
    struct err why;
    if (start->upstream == NULL || start->facts.upstream != PG_UPSTREAM_PRIMARY)
        return;
    if (!slots_ensure_own(start->peers.client, start->upstream->server, start->identity.ordinal,
                          start->deadline_ns, &why))
        log_warn("the slot on %s: %s", start->upstream->pod_name, why.message);
}

static void record_seeded(struct pg_start *start)
{
    struct err why;
    if (!named_record_seeded(&start->named, start->store, &start->identity, start->deadline_ns,
                             &why))
        log_warn("%s", why.message);
}

/* What a clone that was killed left: half of it, or the directory that it took the place of. Whoever starts
 * with whole data needs neither. */
static bool tidy(const struct pg_start *start, struct err *err)
{
    return clone_discard(start->datadir.path, err) &&
           datadir_remove_tree(&start->datadir, DATADIR_OLD, err);
}

/* A promotion compares what each standby has: one whose container starts anew meanwhile takes no WAL either. */
static bool is_promotion_over(const struct pg_start *start)
{
    return start->facts.upstream == PG_UPSTREAM_PRIMARY &&
           start->upstream->timeline > start->timeline;
}

static bool start_whole(struct pg_start *start, struct err *err)
{
    record_seeded(start);
    bool standby = strcmp(postgres_start_role(start->decision.action), "standby") == 0;
    if (standby && (!rejoin_signal(&start->datadir, err) ||
                    !reserved_history_remove(start->datadir.path, err)))
        return false;
    if (standby)
        ask_for_slot(start);
    else
        record_own(start);
    /* Whom a standby of a replication that is being adopted follows, only its own configuration knows. */
    bool adopted = standby && start->facts.named == PG_NAMED_NOBODY;
    enum auto_conf_what what =
        standby && !is_promotion_over(start) ? AUTO_CONF_WHOM_NOT_HOLD : AUTO_CONF_WHOM;
    return (adopted || auto_conf_clean(start->datadir.path, what, err)) && tidy(start, err);
}

bool pg_start_apply(struct pg_start *start, bool *again, struct err *err)
{
    remember(start);
    switch (start->decision.action) {
    case PG_INITDB:
        return begin_initdb(start, again, err);
    case PG_ADOPT:
        return adopt(start, again, err) && (*again || start_whole(start, err));
    case PG_START_PRIMARY:
    case PG_START_STANDBY:
    case PG_FINISH_PROMOTION:
        return start_whole(start, err);
    case PG_BECOME_STANDBY:
        return rejoin_as_standby(&start->datadir, err) && start_whole(start, err);
    case PG_CLONE:
    case PG_CLONE_KEEP:
    case PG_CLONE_DISCARD:
        record_seeded(start);
        *again = true; /* it took its time: the register may name another by now */
        return pg_start_clone(start, err);
    case PG_REWIND:
        *again = true;
        return pg_start_rewind(start, err);
    case PG_WAIT:
    case PG_REFUSE:
    case PG_ACTIONS:
        break;
    }
    return err_set(err, ERR_BUG, "nothing is applied for '%s'",
                   postgres_start_action_name(start->decision.action));
}

/* ---- configuration */

bool pg_start_render(struct pg_start *start, size_t *changed, bool dry, struct err *err)
{
    char self[PATH_MAX] = "ordain";
    int primary = named_followed(&start->named, &start->identity, &start->datadir);
    const struct control_file *control = &start->datadir.control;
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len > 0)
        self[len] = '\0';
    struct render_postgres postgres = {
        .primary = primary,
        .ordain_path = self,
        .max_connections = control->max_connections,
        .max_worker_processes = control->max_worker_processes,
        .max_wal_senders = control->max_wal_senders,
        .max_prepared_xacts = control->max_prepared_xacts,
        .max_locks_per_xact = control->max_locks_per_xact,
    };
    size_t count = start->peers.count;
    struct render_peer *peers = calloc(count + 1, sizeof *peers);
    if (peers == NULL)
        return err_set(err, ERR_IO, "out of memory for the configuration");
    for (size_t i = 0; i < count; i++) {
        const struct pg_peer *peer = &start->peers.peers[i];
        peers[i] = (struct render_peer){
            .ordinal = peer->ordinal,
            .pod_name = peer->pod_name,
            .host_name = peer->host_name,
            .ip = peer->addr.text,
            .role = peer->ordinal == primary ? "primary" : "standby",
            .zone = "",
        };
    }
    struct render_facts facts = {
        .identity = &start->identity,
        .settings = start->settings,
        .engine = "postgres",
        .role = postgres_start_role(start->decision.action),
        .zone = "",
        .peers = peers,
        .peer_count = count,
        .postgres = &postgres,
    };
    bool done = render_config(&facts, dry, changed, err);
    free(peers);
    return done;
}
