#include "init/postgres/wal_history.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "init/postgres/wal_fetch.h"
#include "roles/timeline_history.h"

static bool take_history(const struct pg_call *call, struct timeline_history *history,
                         struct err *err)
{
    const char *text = pg_call_value(call, 0, 1);
    if (call->answer == PG_ERROR) /* the file is gone: the server itself goes by none, then */
        return true;
    if (call->answer != PG_ROWS)
        return pg_call_err(call, "its timeline's history", err);
    return timeline_history_parse(history, history->timeline, text, strlen(text)) ==
               TIMELINE_HISTORY_OK ||
           err_set(err, ERR_LATER, "its timeline's history cannot be read");
}

/* HISTORY has no entries for timeline 1, which has no history (timeline.c readTimeLineHistory). */
static bool ask_history(const struct wal_server *server, struct timeline_history *history,
                        int64_t deadline_ns, struct err *err)
{
    char command[48];
    history->timeline = server->timeline;
    history->count = 0;
    if (server->timeline == 1)
        return true;
    (void)snprintf(command, sizeof command, "TIMELINE_HISTORY %" PRIu32, server->timeline);
    struct pg_call call = pg_call_new(server->server, command);
    pg_client_round(server->client, &call, 1, deadline_ns, deadline_ns);
    bool good = take_history(&call, history, err);
    pg_call_free(&call);
    return good;
}

bool wal_history_fetch(const struct wal_server *server, uint64_t lsn, size_t size,
                       unsigned char *bytes, uint64_t *from, int64_t deadline_ns, struct err *why)
{
    struct timeline_entry entries[TIMELINE_HISTORY_MAX];
    struct timeline_history history = {.entries = entries, .capacity = TIMELINE_HISTORY_MAX};
    const uint64_t end = lsn + size;
    *from = end;
    if (!ask_history(server, &history, deadline_ns, why))
        return false;
    while (*from > lsn) {
        uint64_t begin;
        struct wal_fetch fetch = {.client = server->client, .server = server->server};
        fetch.timeline =
            timeline_history_holder(&history, server->segment_bytes, *from - 1, &begin);
        fetch.lsn = begin > lsn ? begin : lsn;
        fetch.size = (size_t)(*from - fetch.lsn);
        if (!wal_fetch(&fetch, bytes + (fetch.lsn - lsn), deadline_ns, why))
            return *from < end;
        *from = fetch.lsn;
    }
    return true;
}
