#include <inttypes.h>

#include "init/postgres/start_internal.h"
#include "roles/lsn.h"

static const char *data_name(enum pg_data data)
{
    static const char *const names[PG_DATA_VALUES] = {
        [PG_DATA_EMPTY] = "empty",
        [PG_DATA_HALF] = "half a first initdb",
        [PG_DATA_UNMARKED] = "begun here, in production, and without the mark of its end",
        [PG_DATA_STANDBY] = "a standby's",
        [PG_DATA_PRIMARY] = "a primary's",
        [PG_DATA_REWINDING] = "half a pg_rewind",
        [PG_DATA_RECOVERY] = "a backup that is being restored",
        [PG_DATA_DAMAGED] = "damaged",
        [PG_DATA_FOREIGN] = "no data directory",
    };
    return names[data];
}

static void report_comparison(const struct pg_start *start, struct buf *out)
{
    const struct wal_compare_result *compared = &start->compared;
    char begin[LSN_TEXT_MAX];
    char end[LSN_TEXT_MAX];
    lsn_write(compared->tail.begin, begin);
    lsn_write(compared->tail.end, end);
    if (compared->likeness == WAL_ALIKE)
        buf_printf(out, "            from %s to %s it is the named primary's%s\n", begin, end,
                   compared->tail.dated ? "" : ", as far as that tells");
    else if (compared->likeness == WAL_DIFFERENT) {
        lsn_write(compared->differs, begin);
        buf_printf(out, "            from %s on it is another than the named primary's\n", begin);
    } else if (*compared->why.message != '\0')
        buf_printf(out, "            it could not be compared with the named primary's: %s\n",
                   compared->why.message);
}

static void report_data(const struct pg_start *start, struct buf *out)
{
    const struct control_file *control = &start->datadir.control;
    char lsn[LSN_TEXT_MAX];
    pid_t pid;
    if (datadir_server(&start->datadir, &pid))
        buf_printf(out, "server      runs here (process %d); this would be its next start\n",
                   (int)pid);
    buf_printf(out, "PGDATA      %s: %s\n", start->datadir.path, data_name(start->facts.data));
    if (control->system_identifier != 0) {
        lsn_write(control->checkpoint, lsn);
        buf_printf(out,
                   "            PostgreSQL %d, system identifier %" PRIu64
                   ", timeline %u, %s, checkpoint at %s\n",
                   start->datadir.major, control->system_identifier,
                   (unsigned)control_file_timeline(control),
                   control_file_state_name(control->state), lsn);
    }
    if (start->wal_end != 0) {
        lsn_write(start->wal_end, lsn);
        buf_printf(out, "            its WAL ends at %s\n", lsn);
    }
    report_comparison(start, out);
    if (*start->datadir.damage != '\0')
        buf_printf(out, "            global/pg_control: %s\n", start->datadir.damage);
    if (*start->datadir.kept != '\0')
        buf_printf(out, "            a diverged directory is kept: %s\n", start->datadir.kept);
}

static void report_register(const struct pg_start *start, struct buf *out)
{
    char name[IDENTITY_NAME_MAX];
    buf_printf(out, "register    %s: ", register_describe(start->store));
    if (!start->named.known)
        buf_add_text(out, "does not answer");
    else if (start->named.ordinal < 0)
        buf_add_text(out, "names nobody yet");
    else {
        identity_pod_name(&start->identity, start->named.ordinal, name);
        buf_printf(out, "%s is the primary", name);
    }
    if (start->named.system_identifier != 0)
        buf_printf(out, ", system identifier %" PRIu64, start->named.system_identifier);
    if (start->named.timeline != 0)
        buf_printf(out, ", timeline %u", (unsigned)start->named.timeline);
    buf_add_text(out, "\n");
}

static void report_peers(const struct pg_start *start, struct buf *out)
{
    for (size_t i = 0; start->peers_open && i < start->peers.count; i++) {
        const struct pg_peer *peer = &start->peers.peers[i];
        char who[320];
        char lsn[LSN_TEXT_MAX];
        if (peer->answer == PG_SILENT && peer->addr.family == ADDR_NONE && peer != start->upstream)
            continue;
        pg_peer_describe(peer, who);
        if (peer->answer != PG_ROWS) {
            buf_printf(out, "peer        %s: %s\n", who,
                       peer->addr.family == ADDR_NONE ? "no address" : peer->message);
            continue;
        }
        lsn_write(peer->lsn, lsn);
        buf_printf(out, "peer        %s: %s, system identifier %" PRIu64 ", timeline %u, at %s\n",
                   who, peer->in_recovery ? "standby" : "primary", peer->system_identifier,
                   (unsigned)peer->timeline, lsn);
        if (peer->has_fork) {
            lsn_write(peer->fork, lsn);
            buf_printf(out, "            left this pod's timeline at %s\n", lsn);
        }
        if (peer == start->overtaken_by) {
            lsn_write(start->overtaken_at, lsn);
            buf_printf(out, "            has WAL that this volume has not, from %s on\n", lsn);
        }
    }
}

void pg_start_report(const struct pg_start *start, size_t changed, struct buf *out)
{
    enum pg_action action = start->decision.action;
    buf_printf(out, "pod         %s\n", start->identity.pod_name);
    report_data(start, out);
    report_register(start, out);
    report_peers(start, out);
    if (start->decision.sentence == NULL) /* what failed is told instead */
        return;
    buf_printf(out, "decision    %s (row %d)\n", postgres_start_action_name(action),
               start->decision.row + 1);
    buf_printf(out, "reason      %s\n", start->decision.sentence);
    if (action == PG_WAIT || action == PG_REFUSE)
        return;
    buf_printf(out, "role        %s\n", postgres_start_role(action));
    if (changed > 0)
        buf_printf(out, "step        write %zu file%s of the configuration\n", changed,
                   changed == 1 ? "" : "s");
}
