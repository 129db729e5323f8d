#include "init/redis/meet.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "init/sys/clock.h"
#include "init/sys/log.h"
#include "roles/text.h"

#define WATCH_MS 1000
#define WATCH_PAUSE_MS 25
#define SILENCE_MS 250 /* whoever is silent for so long does not prove who it is */

/* "seconds\nmicroseconds", TIME's reply; -1 where it is none. */
static int64_t clock_of(const struct redis_call *call)
{
    const char *text = redis_call_text(call);
    struct span micros;
    struct span rest;
    struct span seconds = text_cut((struct span){text, strlen(text)}, '\n', &micros);
    micros = micros.data != NULL ? text_cut(micros, '\n', &rest) : micros;
    int64_t s;
    int64_t us;
    bool known = call->answer == REDIS_OTHER && micros.data != NULL && text_i64(seconds, &s) &&
                 text_i64(micros, &us) && s > 0 && s < INT64_MAX / 1000 - 1000 && us >= 0 &&
                 us < 1000000;
    return known ? s * 1000 + us / 1000 : -1;
}

void meet_confirm(struct observer *observer, bool *members, int64_t *clocks_ms, int64_t deadline_ns)
{
    static const char *const time[] = {"TIME"};
    static const char *const myid[] = {"CLUSTER", "MYID"};
    struct redis_call *calls = calloc(observer->member_count * 2 + 1, sizeof(*calls));
    size_t count = 0;
    for (size_t i = 0; calls != NULL && i < observer->member_count; i++) {
        if (!members[i])
            continue;
        calls[count++] = redis_call_new(observer_server(observer, i), 1, time);
        calls[count++] = redis_call_new(observer_server(observer, i), 2, myid);
    }
    int64_t until_ns = clock_part_ns(deadline_ns, MEET_CONFIRM_MS);
    if (count > 0)
        redis_client_round(observer->client, calls, count, until_ns, until_ns);
    for (size_t i = 0, at = 0; i < observer->member_count; i++) {
        clocks_ms[i] = -1;
        if (!members[i])
            continue;
        members[i] = false;
        if (calls == NULL)
            continue;
        const struct redis_call *now = &calls[at++];
        const struct redis_call *id = &calls[at++];
        clocks_ms[i] = clock_of(now);
        members[i] =
            id->answer == REDIS_TEXT && strcmp(redis_call_text(id), observer->members[i].id) == 0;
    }
    redis_calls_free(calls, count);
    free(calls);
}

/* --- noted handshakes --- */

static struct meet_side side_of(const struct observer *observer, int member)
{
    const struct cluster_member *known = &observer->members[member];
    struct meet_side side = {.member = (size_t)member};
    memcpy(side.id, known->id, sizeof(side.id));
    memcpy(side.ip, known->ip, sizeof(side.ip));
    return side;
}

void meet_note(struct observer *observer, const struct form_plan *plan, int only,
               const bool *members)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct form_step *step = &plan->steps[i];
        if (step->kind != FORM_MEET || (only >= 0 && step->member != only) ||
            !members[step->member] || !members[step->target])
            continue;
        struct meet *more =
            realloc(observer->meets, (observer->meet_count + 1) * sizeof(*observer->meets));
        if (more == NULL)
            return;
        observer->meets = more;
        more[observer->meet_count++] =
            (struct meet){side_of(observer, step->member), side_of(observer, step->target)};
    }
}

/* --- one moment --- */

/* True when what answered at SIDE's address is the server that was met; TABLE is its answer. */
static bool is_itself(const struct observer *observer, const struct meet_side *side,
                      const struct redis_table *table)
{
    return table != NULL && table->myself >= 0 &&
           strcmp(table->nodes[table->myself].id, side->id) == 0 &&
           strcmp(observer->members[side->member].ip, side->ip) == 0;
}

/* The row of the handshake that a server has under way with whoever is at SIDE's address; NULL. */
static const struct redis_node *handshake_with(const struct observer *observer,
                                               const struct meet_side *side,
                                               const struct redis_table *table)
{
    for (size_t r = 0; r < table->count; r++) {
        const struct redis_node *row = &table->nodes[r];
        if ((row->flags & REDIS_HANDSHAKE) != 0 && strcmp(row->ip, side->ip) == 0 &&
            row->port == observer->settings->redis.port)
            return row;
    }
    return NULL;
}

static bool forget(struct observer *observer, const struct meet_side *one, const char *id,
                   const char *ip, int64_t deadline_ns)
{
    const char *argv[] = {"CLUSTER", "FORGET", id};
    struct redis_call call = redis_call_new(observer_server(observer, one->member), 3, argv);
    int64_t until_ns = clock_part_ns(deadline_ns, SILENCE_MS);
    redis_client_round(observer->client, &call, 1, until_ns, until_ns);
    bool done = redis_call_is_ok(&call);
    log_warn("%s: its handshake with %s is taken back, where nobody proves any more who is there",
             observer_name(observer, (int)one->member), ip);
    redis_call_free(&call);
    return done;
}

/* Takes ONE's handshake back where OTHER is not itself any more. True while one is under way. */
static bool settle(struct observer *observer, const struct redis_table *const *tables,
                   const struct meet_side *one, const struct meet_side *other, int64_t deadline_ns)
{
    const struct redis_table *table = tables[one->member];
    if (!is_itself(observer, one, table))
        return false;
    const struct redis_node *row = handshake_with(observer, other, table);
    if (row == NULL)
        return false;
    return is_itself(observer, other, tables[other->member]) ||
           !forget(observer, one, row->id, other->ip, deadline_ns);
}

/* TABLES: one a member, NULL where nothing was answered. Drops the handshakes that are over. */
static void settle_all(struct observer *observer, const struct redis_table *const *tables,
                       int64_t deadline_ns)
{
    size_t left = 0;
    for (size_t i = 0; i < observer->meet_count; i++) {
        const struct meet meet = observer->meets[i];
        if (meet.one.member >= observer->member_count ||
            meet.other.member >= observer->member_count)
            continue;
        bool there = settle(observer, tables, &meet.one, &meet.other, deadline_ns);
        bool back = settle(observer, tables, &meet.other, &meet.one, deadline_ns);
        if (there || back || !is_itself(observer, &meet.one, tables[meet.one.member]))
            observer->meets[left++] = meet;
    }
    observer->meet_count = left;
}

void meet_review(struct observer *observer, int64_t deadline_ns)
{
    if (observer->meet_count == 0)
        return;
    const struct redis_table **tables = calloc(observer->member_count + 1, sizeof(void *));
    for (size_t i = 0; tables != NULL && i < observer->member_count; i++)
        if (observer->members[i].contact == MEMBER_ANSWERED)
            tables[i] = &observer->members[i].table;
    if (tables != NULL)
        settle_all(observer, tables, deadline_ns);
    free(tables);
}

/* --- a look at those alone --- */

static bool take_table(struct redis_table *table, const struct redis_call *call)
{
    size_t rows = text_lines((struct span){redis_call_text(call), call->len});
    table->myself = -1;
    table->capacity = rows;
    table->nodes = calloc(rows, sizeof(*table->nodes));
    return table->nodes != NULL && call->answer == REDIS_TEXT &&
           redis_table_parse(table, redis_call_text(call), call->len, false, NULL) ==
               REDIS_TABLE_OK;
}

static void look(struct observer *observer, bool *asked, struct redis_table *taken,
                 const struct redis_table **tables, int64_t deadline_ns)
{
    static const char *const nodes[] = {"CLUSTER", "NODES"};
    for (size_t i = 0; i < observer->meet_count; i++) {
        asked[observer->meets[i].one.member] = true;
        asked[observer->meets[i].other.member] = true;
    }
    int64_t until_ns = clock_part_ns(deadline_ns, SILENCE_MS);
    struct redis_call *calls = calloc(observer->member_count + 1, sizeof(*calls));
    size_t count = 0;
    for (size_t i = 0; calls != NULL && i < observer->member_count; i++)
        if (asked[i])
            calls[count++] = redis_call_new(observer_server(observer, i), 2, nodes);
    if (count > 0)
        redis_client_round(observer->client, calls, count, until_ns, until_ns);
    count = 0;
    for (size_t i = 0; calls != NULL && i < observer->member_count; i++)
        if (asked[i] && take_table(&taken[i], &calls[count++]))
            tables[i] = &taken[i];
    redis_calls_free(calls, count);
    free(calls);
}

void meet_watch(struct observer *observer, int64_t deadline_ns)
{
    int64_t until_ns = clock_part_ns(deadline_ns, WATCH_MS);
    size_t count = observer->member_count;
    while (observer->meet_count > 0) {
        bool *asked = calloc(count + 1, sizeof(*asked));
        struct redis_table *taken = calloc(count + 1, sizeof(*taken));
        const struct redis_table **tables = calloc(count + 1, sizeof(void *));
        bool room = asked != NULL && taken != NULL && tables != NULL;
        if (room) {
            look(observer, asked, taken, tables, deadline_ns);
            settle_all(observer, tables, deadline_ns);
        }
        for (size_t i = 0; taken != NULL && i < count; i++)
            free(taken[i].nodes);
        free(asked);
        free(taken);
        free(tables);
        if (!room || !clock_pause(WATCH_PAUSE_MS, until_ns))
            return;
    }
}
