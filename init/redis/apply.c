#include "init/redis/apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/redis/meet.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"

#define NUMBER_MAX 24
#define TIMEOUT_NAME "cluster-node-timeout"
/* A server that answered the look and is silent now must not hold up the others for longer. */
#define STEP_MS 3000

/* The words of one step's command; numbers live in TEXTS. */
struct words {
    int argc;
    const char *argv[8];
    char texts[2][NUMBER_MAX];
};

static void add(struct words *words, const char *word)
{
    words->argv[words->argc++] = word;
}

static void add_number(struct words *words, int which, int number)
{
    (void)snprintf(words->texts[which], NUMBER_MAX, "%d", number);
    add(words, words->texts[which]);
}

static void spell(const struct observer *observer, const struct form_step *step,
                  struct words *words)
{
    words->argc = 0;
    if (step->kind != FORM_ANNOUNCE)
        add(words, "CLUSTER");
    switch (step->kind) {
    case FORM_SET_EPOCH:
        add(words, "SET-CONFIG-EPOCH");
        add_number(words, 0, step->number);
        break;
    case FORM_ADD_SLOTS:
        add(words, "ADDSLOTSRANGE");
        add_number(words, 0, step->range.first);
        add_number(words, 1, step->range.last);
        break;
    case FORM_MEET:
        add(words, "MEET");
        add(words, observer->members[step->target].ip);
        add_number(words, 0, observer->members[step->target].port);
        break;
    case FORM_REPLICATE:
        add(words, "REPLICATE");
        add(words, step->id);
        break;
    case FORM_PROMOTE:
    case FORM_TAKEOVER:
        add(words, "FAILOVER");
        add(words, step->kind == FORM_PROMOTE ? "FORCE" : "TAKEOVER");
        break;
    case FORM_FORGET:
        add(words, "FORGET");
        add(words, step->id);
        break;
    case FORM_ANNOUNCE:
        add(words, "CONFIG");
        add(words, "SET");
        add(words, "cluster-announce-ip");
        add(words, observer->members[step->member].ip);
        break;
    case FORM_BUMP_EPOCH:
        add(words, "BUMPEPOCH");
        break;
    case FORM_STEP_KINDS:
        break;
    }
}

void apply_sentence(const struct observer *observer, const struct form_step *step,
                    char text[static 256])
{
    struct words words;
    spell(observer, step, &words);
    int len = snprintf(text, 256, "%s:", observer_name(observer, step->member));
    for (int i = 0; i < words.argc && len > 0 && len < 256; i++)
        len += snprintf(text + len, 256 - (size_t)len, " %.64s", words.argv[i]);
    if (step->kind == FORM_MEET && len > 0 && len < 256)
        (void)snprintf(text + len, 256 - (size_t)len, ", which is %s",
                       observer_name(observer, step->target));
}

/* CLUSTER MEET, which its server refuses once its own clock is past the third argument. Redis 7.0 to 8.x and
 * Valkey 8 let a script call both. */
static const char meet_in_time[] = "local now = redis.call('TIME') "
                                   "if now[1] * 1000 + now[2] / 1000 > tonumber(ARGV[3]) then "
                                   "return redis.error_reply('LATE') end "
                                   "return redis.call('CLUSTER', 'MEET', ARGV[1], ARGV[2])";

static void spell_in_time(const struct observer *observer, const struct form_step *step,
                          int64_t clock_ms, struct words *words)
{
    words->argc = 0;
    add(words, "EVAL");
    add(words, meet_in_time);
    add(words, "0");
    add(words, observer->members[step->target].ip);
    add_number(words, 0, observer->members[step->target].port);
    (void)snprintf(words->texts[1], NUMBER_MAX, "%lld", (long long)clock_ms + MEET_FRESH_MS);
    add(words, words->texts[1]);
}

/* What a server says to a step that it cannot take yet, or took already. */
static void tell_refusal(const struct observer *observer, const struct form_step *step,
                         const struct redis_call *call)
{
    char text[256];
    apply_sentence(observer, step, text);
    log_debug("%s: %s", text, redis_call_text(call));
}

static bool is_of(const struct form_step *step, int only)
{
    return only < 0 || step->member == only;
}

/* Marks everybody who has a part in the steps, and confirms them. */
static void confirm(struct observer *observer, const struct form_plan *plan, int only,
                    bool *members, int64_t *clocks_ms, int64_t deadline_ns)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct form_step *step = &plan->steps[i];
        if (!is_of(step, only))
            continue;
        members[step->member] = true;
        if (step->kind == FORM_MEET)
            members[step->target] = true;
    }
    meet_confirm(observer, members, clocks_ms, deadline_ns);
}

/* The calls of one plan: for each its words and its step. */
struct batch {
    struct redis_call *calls;
    struct words *words;
    const struct form_plan *plan;
    size_t *steps; /* indices into the plan's */
    size_t count;
    bool *members;      /* one a member: it was confirmed */
    int64_t *clocks_ms; /* one a member */
};

static bool batch_open(struct batch *batch, const struct form_plan *plan, size_t members)
{
    size_t steps = plan->count;
    batch->plan = plan;
    batch->calls = calloc(steps + 1, sizeof(*batch->calls));
    batch->words = calloc(steps + 1, sizeof(*batch->words));
    batch->steps = calloc(steps + 1, sizeof(*batch->steps));
    batch->members = calloc(members + 1, sizeof(*batch->members));
    batch->clocks_ms = calloc(members + 1, sizeof(*batch->clocks_ms));
    batch->count = 0;
    return batch->calls != NULL && batch->words != NULL && batch->steps != NULL &&
           batch->members != NULL && batch->clocks_ms != NULL;
}

static const struct form_step *batch_step(const struct batch *batch, size_t index)
{
    return &batch->plan->steps[batch->steps[index]];
}

static void batch_close(struct batch *batch)
{
    redis_calls_free(batch->calls, batch->count);
    free(batch->calls);
    free(batch->words);
    free(batch->steps);
    free(batch->members);
    free(batch->clocks_ms);
}

/* The steps of those who were confirmed. */
static void batch_fill(struct batch *batch, struct observer *observer, int only)
{
    for (size_t i = 0; i < batch->plan->count; i++) {
        const struct form_step *step = &batch->plan->steps[i];
        if (!is_of(step, only) || !batch->members[step->member] ||
            (step->kind == FORM_MEET && !batch->members[step->target]))
            continue;
        struct words *words = &batch->words[batch->count];
        int64_t clock_ms = batch->clocks_ms[step->member];
        if (step->kind == FORM_MEET && clock_ms >= 0)
            spell_in_time(observer, step, clock_ms, words);
        else
            spell(observer, step, words);
        int server = observer_server(observer, (size_t)step->member);
        batch->steps[batch->count] = i;
        batch->calls[batch->count++] = redis_call_new(server, words->argc, words->argv);
    }
}

/* Where our user may not run scripts: the plain command, at once. */
static void meet_plainly(struct observer *observer, struct batch *batch, size_t index,
                         int64_t until_ns)
{
    struct redis_call *call = &batch->calls[index];
    struct words *words = &batch->words[index];
    bool script = strcmp(call->argv[0], "EVAL") == 0;
    if (!script || call->answer != REDIS_ERROR || strstr(redis_call_text(call), "LATE") != NULL)
        return;
    spell(observer, batch_step(batch, index), words);
    redis_call_free(call);
    *call = redis_call_new(call->server, words->argc, words->argv);
    redis_client_round(observer->client, call, 1, until_ns, until_ns);
}

bool apply_plan(struct observer *observer, const struct form_plan *plan, int only,
                int64_t deadline_ns, size_t *done, struct err *err)
{
    struct batch batch;
    *done = 0;
    if (!batch_open(&batch, plan, observer->member_count)) {
        batch_close(&batch);
        return err_set(err, ERR_IO, "out of memory for the plan");
    }
    confirm(observer, plan, only, batch.members, batch.clocks_ms, deadline_ns);
    batch_fill(&batch, observer, only);
    int64_t until_ns = clock_part_ns(deadline_ns, STEP_MS);
    redis_client_round(observer->client, batch.calls, batch.count, until_ns, until_ns);
    bool allowed = true;
    for (size_t i = 0; i < batch.count; i++) {
        meet_plainly(observer, &batch, i, until_ns);
        const struct redis_call *call = &batch.calls[i];
        const struct form_step *step = batch_step(&batch, i);
        if (call->answer == REDIS_TEXT)
            (*done)++;
        else if (allowed && redis_call_is_denied(call))
            allowed = redis_call_err(call, observer_name(observer, step->member), err);
        else
            tell_refusal(observer, step, call);
    }
    meet_note(observer, plan, only, batch.members);
    batch_close(&batch);
    return allowed;
}

void apply_read_timeouts(struct observer *observer, int64_t deadline_ns)
{
    static const char *const get[] = {"CONFIG", "GET", TIMEOUT_NAME};
    struct redis_call *calls = calloc(observer->member_count + 1, sizeof(*calls));
    size_t count = 0;
    for (size_t i = 0; calls != NULL && i < observer->member_count; i++)
        if (observer->members[i].contact == MEMBER_ANSWERED)
            calls[count++] = redis_call_new(observer_server(observer, i), 3, get);
    deadline_ns = clock_part_ns(deadline_ns, STEP_MS);
    if (count > 0)
        redis_client_round(observer->client, calls, count, deadline_ns, deadline_ns);
    count = 0;
    for (size_t i = 0; calls != NULL && i < observer->member_count; i++) {
        if (observer->members[i].contact != MEMBER_ANSWERED)
            continue;
        const char *value = strchr(redis_call_text(&calls[count]), '\n');
        if (calls[count].answer == REDIS_OTHER && value != NULL)
            observer->members[i].node_timeout_ms = strtoll(value + 1, NULL, 10);
        redis_call_free(&calls[count++]);
    }
    free(calls);
}

void apply_write_timeouts(struct observer *observer, const int64_t *timeouts_ms, size_t count,
                          int64_t deadline_ns)
{
    struct redis_call *calls = calloc(count + 1, sizeof(*calls));
    char(*texts)[NUMBER_MAX] = calloc(count + 1, sizeof(*texts));
    size_t used = 0;
    for (size_t i = 0; calls != NULL && texts != NULL && i < count && i < observer->member_count;
         i++) {
        int server = timeouts_ms[i] > 0 ? observer_server(observer, i) : -1;
        if (server < 0)
            continue;
        (void)snprintf(texts[i], NUMBER_MAX, "%lld", (long long)timeouts_ms[i]);
        const char *argv[] = {"CONFIG", "SET", TIMEOUT_NAME, texts[i]};
        calls[used++] = redis_call_new(server, 4, argv);
    }
    deadline_ns = clock_part_ns(deadline_ns, STEP_MS);
    if (used > 0)
        redis_client_round(observer->client, calls, used, deadline_ns, deadline_ns);
    for (size_t i = 0; i < used; i++) {
        if (!redis_call_is_ok(&calls[i]))
            log_warn("a server kept its cluster-node-timeout: %s", redis_call_text(&calls[i]));
        redis_call_free(&calls[i]);
    }
    free(calls);
    free(texts);
}
