#include "init/postgres/form_look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/postgres/conninfo.h"
#include "init/sys/clock.h"
#include "roles/text.h"

#define SYNCHRONOUS_MAX ((size_t)512 * 1024)
#define SLOT_PREFIX "ordain_"

/* ANY k of all pods of the birth, the primary among them, so that the same words are right on each
 * (PostgreSQL 17 docs, 19.6.2). */
static void write_synchronous(struct pg_form_look *look)
{
    const struct identity *identity = &look->observer.identity;
    const struct settings *settings = look->observer.settings;
    char name[IDENTITY_NAME_MAX];
    int first = identity->ordinal_start;
    look->synchronous = buf_new(SYNCHRONOUS_MAX);
    if (settings->postgres.synchronous <= 0)
        return;
    buf_printf(&look->synchronous, "ANY %d (", settings->postgres.synchronous);
    for (int ordinal = first; ordinal < first + settings->replicas; ordinal++) {
        identity_pod_name(identity, ordinal, name);
        buf_printf(&look->synchronous, "%s\"%s\"", ordinal > first ? ", " : "", name);
    }
    buf_add_text(&look->synchronous, ")");
}

bool pg_form_look_open(struct pg_form_look *look, const struct settings *settings, bool verify,
                       struct err *err)
{
    *look = (struct pg_form_look){.verify = verify};
    if (!pg_observer_open(&look->observer, settings, err))
        return false;
    if (settings->postgres.synchronous >= settings->replicas)
        return err_set(err, ERR_CONFIG,
                       "--synchronous %d: of %d pods at most %d are standbys that a commit can "
                       "wait for",
                       settings->postgres.synchronous, settings->replicas, settings->replicas - 1);
    write_synchronous(look);
    return true;
}

void pg_form_look_close(struct pg_form_look *look)
{
    pg_observer_close(&look->observer);
    buf_free(&look->synchronous);
    free(look->pods);
    free(look->plan.steps);
}

/* ---- facts */

static enum pg_form_answer answer_of(const struct pg_member *member)
{
    switch (member->answer) {
    case PG_SILENT:
    case PG_NOBODY:
        return PG_FORM_SILENT;
    case PG_STARTING:
    case PG_DENIED:
    case PG_UNTRUSTED:
    case PG_FULL:
    case PG_BROKEN:
    case PG_ERROR:
        return PG_FORM_THERE;
    case PG_ROWS:
        break;
    }
    return member->in_recovery ? PG_FORM_STANDBY : PG_FORM_PRIMARY;
}

/* The ordinal that a slot of ordain's is for; -1: it is not ordain's. */
static int64_t slot_ordinal(const struct pg_slot *slot)
{
    int64_t ordinal = -1;
    struct span name = {slot->name, strlen(slot->name)};
    if (!text_starts(name, SLOT_PREFIX) ||
        !text_i64(text_from(name, strlen(SLOT_PREFIX)), &ordinal))
        return -1;
    return ordinal;
}

bool pg_form_slot_is_left(const struct pg_form_look *look, size_t i, const struct pg_slot *slot)
{
    int64_t ordinal = slot_ordinal(slot);
    if (ordinal < 0 || slot->active)
        return false;
    return pg_observer_find(&look->observer, ordinal) < 0 ||
           ordinal == look->observer.members[i].peer->ordinal;
}

bool pg_form_slot_is_vain(const struct pg_form_look *look, size_t i, const struct pg_slot *slot)
{
    int of = pg_observer_find(&look->observer, slot_ordinal(slot));
    if (!look->observer.members[i].in_recovery || slot->active || !slot->reserves || of < 0 ||
        look->facts.named < 0)
        return false;
    return of == look->facts.named ||
           pg_observer_streams(&look->observer, (size_t)of, (size_t)look->facts.named);
}

static const struct pg_slot *find_slot(const struct pg_member *member, int ordinal)
{
    char name[32];
    postgres_slot_name(ordinal, name);
    for (size_t i = 0; i < member->slot_count; i++)
        if (strcmp(member->slots[i].name, name) == 0)
            return &member->slots[i];
    return NULL;
}

static bool slots_are_wrong(const struct pg_form_look *look, size_t i)
{
    const struct pg_member *member = &look->observer.members[i];
    int first = look->observer.identity.ordinal_start;
    for (int ordinal = first; ordinal < first + look->observer.settings->replicas; ordinal++) {
        if (ordinal == member->peer->ordinal)
            continue;
        const struct pg_slot *slot = find_slot(member, ordinal);
        if (slot == NULL || (slot->lost && !slot->active) || pg_form_slot_is_vain(look, i, slot))
            return true;
    }
    return false;
}

static bool slots_are_left(const struct pg_form_look *look, size_t i)
{
    const struct pg_member *member = &look->observer.members[i];
    for (size_t k = 0; k < member->slot_count; k++)
        if (pg_form_slot_is_left(look, i, &member->slots[k]))
            return true;
    return false;
}

/* Against the recorded identifier; where none is, against the primary's, or the first one that is told. */
static bool is_stranger(const struct pg_form_look *look, size_t i)
{
    const struct pg_observer *observer = &look->observer;
    uint64_t wanted = observer->named.system_identifier;
    if (wanted == 0 && look->facts.named >= 0)
        wanted = observer->members[look->facts.named].system_identifier;
    for (size_t k = 0; k < observer->count && wanted == 0; k++)
        wanted = observer->members[k].system_identifier;
    uint64_t mine = observer->members[i].system_identifier;
    return wanted != 0 && mine != 0 && mine != wanted;
}

/* What is not told to be set stays as the primary has it, on every pod that may be promoted. */
static bool synchronous_differs(const struct pg_form_look *look, size_t i)
{
    const struct pg_member *member = &look->observer.members[i];
    const char *wanted = buf_text(&look->synchronous);
    if (member->answer != PG_ROWS)
        return false;
    if (look->observer.settings->postgres.synchronous >= 0)
        return strcmp(member->synchronous, wanted) != 0;
    return *wanted != '\0' && strcmp(member->synchronous, wanted) != 0;
}

static struct pg_form_pod pod_of(const struct pg_form_look *look, size_t i)
{
    const struct pg_observer *observer = &look->observer;
    const struct pg_member *member = &observer->members[i];
    struct pg_form_pod pod = {
        .answer = answer_of(member),
        .stranger = is_stranger(look, i),
        .read_only = member->read_only,
        .replayed = look->target == 0 || member->replay >= look->target,
    };
    if (member->answer != PG_ROWS || look->facts.named < 0)
        return pod;
    size_t primary = (size_t)look->facts.named;
    pod.streams = i != primary && pg_observer_streams(observer, i, primary);
    pod.follows = pod.streams ||
                  strcmp(member->conninfo_host, observer->members[primary].peer->host_name) == 0;
    pod.held =
        !look->promoted && conninfo_host_is_held(member->conninfo_host, clock_wall_ms() / 1000);
    pod.relation = i != primary ? pg_observer_relation(observer, i, primary) : PG_RELATION_ANCESTOR;
    pod.slots_wrong = slots_are_wrong(look, i);
    pod.slots_left = slots_are_left(look, i);
    pod.synchronous_differs = synchronous_differs(look, i);
    return pod;
}

/* The register's own facts, and the role as SQL and a connection with its password tell it. */
static void take_primary(struct pg_form_look *look)
{
    const struct named *named = &look->observer.named;
    const struct pg_member *primary = &look->observer.members[look->facts.named];
    look->facts.recorded = register_kind(look->observer.store) == REGISTER_NONE ||
                           (named->system_identifier != 0 && named->timeline >= primary->timeline);
    if (primary->answer != PG_ROWS || primary->in_recovery)
        return;
    look->facts.role_wrong = !primary->role_good || primary->peer->answer == PG_DENIED;
    if (look->verify && look->target == 0)
        look->target = primary->lsn;
    if (look->observer.settings->postgres.synchronous < 0) {
        buf_clear(&look->synchronous);
        buf_add_text(&look->synchronous, primary->synchronous);
    }
}

static bool make_room(struct pg_form_look *look, struct err *err)
{
    size_t count = look->observer.count;
    if (count <= look->room)
        return true;
    free(look->pods);
    free(look->plan.steps);
    look->pods = calloc(count, sizeof *look->pods);
    look->plan.steps = calloc(PG_FORM_STEPS_MAX(count), sizeof *look->plan.steps);
    look->room = look->pods != NULL && look->plan.steps != NULL ? count : 0;
    return look->room > 0 || err_set(err, ERR_IO, "out of memory for the plan");
}

bool pg_form_see(struct pg_form_look *look, int64_t patience_ms, int64_t deadline_ns,
                 struct err *err)
{
    const struct settings *settings = look->observer.settings;
    if (!pg_observer_look(&look->observer, patience_ms, deadline_ns, err) || !make_room(look, err))
        return false;
    look->facts = (struct pg_form_facts){
        .known = look->observer.named.known,
        .named = pg_observer_named(&look->observer),
        .adopt = settings->adopt,
        .recorded = true,
        .drop_slots = settings->postgres.drop_slots,
        .synchronous = settings->postgres.synchronous > 0 ? settings->postgres.synchronous : 0,
        .pods = look->pods,
        .count = look->observer.count,
    };
    if (look->facts.named >= 0)
        take_primary(look);
    for (size_t i = 0; i < look->observer.count; i++)
        look->pods[i] = pod_of(look, i);
    postgres_form_decide(&look->facts, &look->plan);
    return true;
}

void pg_form_sentence(const struct pg_form_look *look, char text[static 1024])
{
    char who[512];
    if (!look->observer.named.known)
        (void)snprintf(text, 1024, "%s: %.500s", look->plan.sentence,
                       look->observer.register_err.message);
    else if (look->plan.about < 0)
        (void)snprintf(text, 1024, "%s", look->plan.sentence);
    else {
        pg_observer_describe(&look->observer, (size_t)look->plan.about, who);
        (void)snprintf(text, 1024, "%s: %s", look->plan.sentence, who);
    }
}
