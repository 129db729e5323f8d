#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "init/postgres/form_report.h"
#include "init/postgres/status.h"
#include "roles/lsn.h"

enum { BOLD = 1, RED = 31, GREEN = 32, YELLOW = 33 };

static void paint(struct buf *out, bool color, int code)
{
    if (color)
        buf_printf(out, "\033[%dm", code);
}

/* "812 B", "1.5 MB": three digits that matter; "-" for what is not known. */
static void write_size(int64_t bytes, char text[static 24])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double value = (double)bytes / 1024;
    size_t unit = 0;
    if (bytes < 0)
        (void)snprintf(text, 24, "-");
    else if (bytes < 1024)
        (void)snprintf(text, 24, "%" PRId64 " B", bytes);
    else {
        while (value >= 1024 && unit < sizeof units / sizeof *units - 1) {
            value /= 1024;
            unit++;
        }
        (void)snprintf(text, 24, "%.*f %s", value < 10 ? 1 : 0, value, units[unit]);
    }
}

static void draw_heading(const struct pg_status *status, bool color, struct buf *out)
{
    const struct pg_observer *observer = &status->look.observer;
    int version = 0;
    size_t answering = 0;
    for (size_t i = 0; i < observer->count; i++) {
        answering += observer->members[i].known;
        if (observer->members[i].peer->version != 0)
            version = observer->members[i].peer->version / 10000;
    }
    paint(out, color, BOLD);
    buf_add_text(out, observer->identity.cluster_id);
    paint(out, color, 0);
    buf_add_text(out, "  ");
    paint(out, color, status->healthy ? GREEN : RED);
    buf_add_text(out, status->healthy ? "healthy" : "NOT HEALTHY");
    paint(out, color, 0);
    buf_printf(out, "  %zu of %zu pods answer", answering, observer->count);
    if (version != 0)
        buf_printf(out, ", PostgreSQL %d", version);
    buf_add_text(out, "\nregister  ");
    pg_report_register(observer, out);
    buf_add_text(out, "\n\n");
}

static void draw_row(const struct pg_status *status, const struct pg_status_row *row, bool color,
                     struct buf *out)
{
    const struct pg_member *member = &status->look.observer.members[row->member];
    char timeline[12] = "-";
    char lsn[LSN_TEXT_MAX] = "-";
    char behind[24];
    char seconds[24] = "-";
    if (member->known) {
        (void)snprintf(timeline, sizeof timeline, "%" PRIu32, member->timeline);
        lsn_write(member->in_recovery && member->replay != 0 ? member->replay : member->lsn, lsn);
    }
    write_size(row->behind_bytes, behind);
    if (row->behind_s >= 0)
        (void)snprintf(seconds, sizeof seconds, "%.3f s", row->behind_s);
    buf_printf(out, "%-10s %-20s %-16s %8s  %-16s %9s %9s  %-8s ",
               *row->role != '\0' ? row->role : "-", member->peer->pod_name,
               member->peer->addr.family != ADDR_NONE ? member->peer->addr.text : "-", timeline,
               lsn, behind, seconds, *row->sync_state != '\0' ? row->sync_state : "-");
    paint(out, color, row->good ? GREEN : RED);
    buf_add_text(out, row->state);
    paint(out, color, 0);
    buf_add_text(out, "\n");
}

/* Those of standbys are mere promises, and shown only where they hold WAL. */
static void draw_slots(const struct pg_status *status, bool color, struct buf *out)
{
    const struct pg_observer *observer = &status->look.observer;
    bool any = false;
    for (size_t i = 0; i < observer->count; i++) {
        const struct pg_member *member = &observer->members[status->rows[i].member];
        for (size_t k = 0; k < member->slot_count; k++) {
            const struct pg_slot *slot = &member->slots[k];
            char size[24];
            if (member->in_recovery && !slot->reserves)
                continue;
            if (!any)
                buf_printf(out, "\n%-20s %-20s %-9s %9s  %s\n", "slot", "on", "used", "holds",
                           "WAL");
            any = true;
            write_size(slot->held_bytes, size);
            paint(out, color, slot->lost ? RED : slot->active ? 0 : YELLOW);
            buf_printf(out, "%-20s %-20s %-9s %9s  %s", slot->name, member->peer->pod_name,
                       slot->active ? "yes" : "no", size,
                       *slot->wal_status != '\0' ? slot->wal_status : "none reserved");
            paint(out, color, 0);
            buf_add_text(out, "\n");
        }
    }
}

void pg_status_draw(const struct pg_status *status, bool color, struct buf *out)
{
    const struct pg_observer *observer = &status->look.observer;
    int named = status->look.facts.named;
    draw_heading(status, color, out);
    buf_printf(out, "%-10s %-20s %-16s %8s  %-16s %9s %9s  %-8s %s\n", "role", "pod", "address",
               "timeline", "position", "behind", "for", "sync", "state");
    for (size_t i = 0; i < observer->count; i++)
        draw_row(status, &status->rows[i], color, out);
    draw_slots(status, color, out);
    if (named >= 0 && observer->members[named].synchronous != NULL &&
        *observer->members[named].synchronous != '\0')
        buf_printf(out, "\ncommits wait for  %s\n", observer->members[named].synchronous);
    if (status->kept != NULL)
        buf_printf(out, "\nkept here  %s: diverged data that no pod uses\n", status->kept);
    for (size_t i = 0; i < status->problem_count; i++)
        buf_printf(out, "%s%s\n", i == 0 ? "\nwrong  " : "       ", status->problems[i]);
    if (status->look.plan.count > 0)
        buf_add_text(out, "\nordain form postgres mends what can be mended; ordain plan form "
                          "postgres shows how\n");
}
