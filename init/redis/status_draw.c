#include <stdio.h>
#include <string.h>

#include "init/redis/status.h"

#define BAR_CELLS 64
#define CELL_SLOTS (REDIS_SLOTS / BAR_CELLS)

/* Shades tell neighbouring shards apart where there is no colour. */
static const char *const shades[] = {"█", "▓", "▒", "░"};
static const int colors[] = {36, 33, 35, 32, 34, 31};

static void paint(struct buf *out, bool color, int code)
{
    if (color)
        buf_printf(out, "\033[%dm", code);
}

static int shard_of_node(const struct status_rows *rows, const struct cluster_node *node)
{
    for (size_t i = 0; i < rows->count; i++)
        if (rows->rows[i].node == node)
            return rows->rows[i].shard;
    return 0;
}

static int shard_color(int shard)
{
    return colors[(size_t)(shard - 1) % (sizeof(colors) / sizeof(colors[0]))];
}

static void draw_bar(const struct form_look *look, const struct status_rows *rows, bool color,
                     struct buf *out)
{
    const struct cluster_picture *picture = &look->observer.picture;
    buf_add_text(out, "slots  ");
    for (int cell = 0; cell < BAR_CELLS; cell++) {
        int owner = picture->slot_owner[cell * CELL_SLOTS + CELL_SLOTS / 2];
        for (int slot = cell * CELL_SLOTS; slot < (cell + 1) * CELL_SLOTS; slot++)
            if (picture->slot_owner[slot] < 0)
                owner = -1; /* a hole must be seen */
        int shard = owner >= 0 ? shard_of_node(rows, &picture->nodes[owner]) : 0;
        bool lost = owner >= 0 && picture->nodes[owner].member < 0;
        if (shard == 0 || lost) {
            paint(out, color, 31);
            buf_add_text(out, shard == 0 ? "·" : "╳");
        } else {
            paint(out, color, shard_color(shard));
            buf_add_text(out, color ? shades[0] : shades[(shard - 1) % 4]);
        }
    }
    paint(out, color, 0);
    buf_printf(out, "  %d of %d\n", picture->slots_assigned, REDIS_SLOTS);
}

static void draw_slots_of(const struct form_look *look, const struct cluster_node *node,
                          char text[static 48])
{
    const struct cluster_picture *picture = &look->observer.picture;
    int first = -1;
    int last = -1;
    int ranges = 0;
    for (int slot = 0; slot < REDIS_SLOTS; slot++) {
        int owner = picture->slot_owner[slot];
        if (owner < 0 || &picture->nodes[owner] != node)
            continue;
        if (last != slot - 1 || ranges == 0)
            ranges++;
        if (first < 0)
            first = slot;
        last = slot;
    }
    if (ranges == 1)
        (void)snprintf(text, 48, "%d-%d", first, last);
    else
        (void)snprintf(text, 48, "%d in %d ranges", node->slots, ranges);
}

static const char *role_of(const struct status_row *row)
{
    if (row->node == NULL)
        return "-";
    if (row->node->member < 0 && row->node->lost)
        return "lost";
    return row->node->is_master ? "master" : "replica";
}

static void state_of(const struct status_row *row, char text[static 96])
{
    if (row->member == NULL)
        (void)snprintf(text, 96, "does not answer");
    else if (row->member->contact != MEMBER_ANSWERED)
        (void)snprintf(text, 96, "%.80s",
                       *row->member->problem != '\0' ? row->member->problem : "not there yet");
    else if (row->node == NULL)
        (void)snprintf(text, 96, "not of this cluster");
    else if (row->node->is_master && row->node->slots == 0)
        (void)snprintf(text, 96, "no slots, follows nobody");
    else if (row->node->is_master)
        (void)snprintf(text, 96, "%lld keys", (long long)row->member->info.keys);
    else if (!row->member->info.master_link_up)
        (void)snprintf(text, 96, "link down");
    else if (row->behind_bytes > 0)
        (void)snprintf(text, 96, "%lld bytes behind", (long long)row->behind_bytes);
    else
        (void)snprintf(text, 96, "in sync");
}

static bool is_bad(const struct status_row *row)
{
    return row->member == NULL || row->node == NULL || row->member->contact != MEMBER_ANSWERED ||
           !row->member->info.cluster_ok ||
           (!row->node->is_master && !row->member->info.master_link_up);
}

static void draw_row(const struct form_look *look, const struct status_row *row, bool first,
                     bool color, struct buf *out)
{
    char pod[IDENTITY_NAME_MAX] = "?";
    char slots[48] = "";
    char shard[12] = "";
    char state[96];
    int ordinal = status_ordinal(row);
    if (ordinal >= 0)
        identity_pod_name(&look->observer.identity, ordinal, pod);
    if (row->node != NULL && row->node->slots > 0)
        draw_slots_of(look, row->node, slots);
    if (first && row->shard > 0)
        (void)snprintf(shard, sizeof(shard), "%d", row->shard);
    state_of(row, state);
    if (row->shard > 0)
        paint(out, color, shard_color(row->shard));
    buf_printf(out, "%-6s ", shard);
    paint(out, color, 0);
    buf_printf(out, "%-14s %-8s %-24s %-16s %-8s ", slots, role_of(row), pod,
               row->member != NULL ? row->member->ip : "", row->zone);
    paint(out, color, is_bad(row) ? 31 : 32);
    buf_printf(out, "%s", state);
    paint(out, color, 0);
    buf_add_text(out, "\n");
}

static void draw_heading(const struct form_look *look, const struct status_rows *rows, bool color,
                         struct buf *out)
{
    const struct observer *observer = &look->observer;
    bool good = look->plan.verdict == FORM_CONVERGED;
    const char *version = "";
    const char *server = "redis";
    int64_t keys = 0;
    for (size_t i = 0; i < observer->member_count; i++) {
        const struct cluster_member *member = &observer->members[i];
        const struct redis_node *self = cluster_member_self(member);
        if (self == NULL)
            continue;
        version = member->info.version;
        server = member->info.server;
        if (self->slot_count > 0 && member->info.keys > 0)
            keys += member->info.keys;
    }
    paint(out, color, 1);
    buf_printf(out, "%s", observer->identity.cluster_id);
    paint(out, color, 0);
    buf_add_text(out, "  ");
    paint(out, color, good ? 32 : 31);
    buf_printf(out, "%s", good ? "healthy" : "NOT HEALTHY");
    paint(out, color, 0);
    buf_printf(out, "  %zu of %zu pods answer, %d shards, %lld keys, %s %s\n\n",
               observer->picture.answered, observer->member_count, rows->shards, (long long)keys,
               server, version);
}

void status_draw(const struct form_look *look, const struct status_rows *rows, bool color,
                 struct buf *out)
{
    draw_heading(look, rows, color, out);
    draw_bar(look, rows, color, out);
    buf_printf(out, "\n%-6s %-14s %-8s %-24s %-16s %-8s %s\n", "shard", "slots", "role", "pod",
               "address", "zone", "state");
    for (size_t i = 0; i < rows->count; i++) {
        bool first = i == 0 || rows->rows[i].shard != rows->rows[i - 1].shard;
        draw_row(look, &rows->rows[i], first, color, out);
    }
    for (size_t i = 0; status_problem(look, i) != NULL; i++) {
        buf_add_text(out, i == 0 ? "\nwrong  " : "       ");
        buf_printf(out, "%s\n", status_problem(look, i));
    }
    if (look->plan.verdict == FORM_WORK || look->plan.verdict == FORM_WAIT)
        buf_add_text(out,
                     "\nordain form redis mends what can be mended; ordain plan form redis shows "
                     "how\n");
}
