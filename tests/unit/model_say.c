#include "tests/unit/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What a server of the model says: CLUSTER NODES as text, and what INFO tells. */

struct writer {
    char text[WORLD_TEXT];
    size_t len;
};

static void put(struct writer *out, const char *text)
{
    size_t len = strlen(text);
    assert_true(out->len + len < sizeof(out->text));
    memcpy(out->text + out->len, text, len + 1);
    out->len += len;
}

static int ordinal_of_id(const char *id)
{
    return id[0] == 'b' || id[0] == 'e' ? (id[1] - '0') * 10 + id[2] - '0' : -1;
}

/* The last slot of the run that begins at each first one: found once for all rows. */
static int run_end[REDIS_SLOTS];

static void find_runs(const struct model_server *server)
{
    for (int first = 0, slot = 0; slot < REDIS_SLOTS; slot++) {
        if (server->owner[slot] != server->owner[first])
            first = slot;
        run_end[first] = slot;
    }
}

static void put_row(struct writer *out, const struct model_server *server, size_t index)
{
    const struct model_row *row = &server->rows[index];
    bool me = index == 0;
    int ordinal = me ? server->ordinal : ordinal_of_id(row->id);
    uint64_t epoch = row->epoch;
    char line[256];
    char host[24] = "";
    for (size_t r = 0; r < server->count && !row->master; r++)
        if (strcmp(server->rows[r].id, row->master_id) == 0)
            epoch = server->rows[r].epoch; /* of a replica its master's */
    if (ordinal >= 0)
        (void)snprintf(host, sizeof(host), ",redis-%d", ordinal);
    (void)snprintf(line, sizeof(line), "%s %s:6379@16379%s %s%s%s %s 0 %d %llu %s",
                   row->handshake ? "ffffffffffffffffffffffffffffffffffffffff" : row->id, row->ip,
                   host, me ? "myself," : "", row->master ? "master" : "slave",
                   row->handshake ? ",handshake"
                   : row->failed  ? ",fail"
                                  : "",
                   row->master ? "-" : row->master_id, row->heard && !me ? 1 : 0,
                   (unsigned long long)epoch, row->failed ? "disconnected" : "connected");
    put(out, line);
    for (int first = 0, last; first < REDIS_SLOTS; first = last + 1) {
        last = run_end[first];
        if (server->owner[first] != (int)index)
            continue;
        (void)snprintf(line, sizeof(line), first == last ? " %d" : " %d-%d", first, last);
        put(out, line);
    }
    put(out, "\n");
}

void model_say(int ordinal)
{
    static struct writer out;
    const struct model_server *server = &model[ordinal];
    out.len = 0;
    find_runs(server);
    bool shaking = false;
    for (size_t r = 0; r < server->count; r++) {
        if (server->rows[r].handshake && shaking)
            continue; /* the text has one id for all of them */
        shaking = shaking || server->rows[r].handshake;
        put_row(&out, server, r);
    }
    struct cluster_member *member = world_say(ordinal, out.text);
    struct redis_info *info = &member->info;
    bool ok = true;
    for (int slot = 0; slot < REDIS_SLOTS; slot++)
        ok = ok && server->owner[slot] >= 0 && !server->rows[server->owner[slot]].failed;
    info->cluster_ok = ok;
    info->keys = server->keys;
    info->offset = server->offset;
    info->master_link_up = server->link_up;
    info->current_epoch = (int64_t)model_highest_epoch(server);
    memcpy(info->replid, server->replid, sizeof(info->replid));
    (void)snprintf(info->master_host, sizeof(info->master_host), "%s", server->master_host);
}
