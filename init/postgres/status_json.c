#include <inttypes.h>
#include <stdio.h>

#include "init/postgres/form_report.h"
#include "init/postgres/status.h"
#include "init/sys/json.h"
#include "roles/lsn.h"

#define STATUS_VERSION 1

static bool set_lsn(struct json *object, const char *key, uint64_t lsn)
{
    char text[LSN_TEXT_MAX];
    lsn_write(lsn, text);
    return json_set_text(object, key, text);
}

/* Beyond 10^15 a JSON number is not safe with everybody. */
static bool set_identifier(struct json *object, uint64_t identifier)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, identifier);
    return identifier == 0 || json_set_text(object, "systemIdentifier", text);
}

static bool add_slot(const struct pg_slot *slot, struct json *slots)
{
    struct json *one = json_object();
    return json_add(slots, one) && json_set_text(one, "name", slot->name) &&
           json_set_bool(one, "active", slot->active) &&
           json_set_bool(one, "reserves", slot->reserves) &&
           json_set_text(one, "walStatus", slot->wal_status) &&
           json_set_number(one, "heldBytes", (double)slot->held_bytes);
}

static bool add_standby(const struct pg_status_row *row, const struct pg_member *member,
                        struct json *pod)
{
    bool good = json_set_text(pod, "receiver", member->receiver) &&
                json_set_text(pod, "receivesFrom", member->sender_host) &&
                json_set_text(pod, "follows", member->conninfo_host) &&
                set_lsn(pod, "replayed", member->replay) &&
                json_set_text(pod, "syncState", row->sync_state);
    if (row->behind_bytes >= 0)
        good = good && json_set_number(pod, "behindBytes", (double)row->behind_bytes);
    if (row->behind_s >= 0)
        good = good && json_set_number(pod, "behindSeconds", row->behind_s);
    return good;
}

static bool add_row(const struct pg_status *status, const struct pg_status_row *row,
                    struct json *pods)
{
    const struct pg_member *member = &status->look.observer.members[row->member];
    struct json *pod = json_object();
    struct json *slots = json_array();
    bool good = json_add(pods, pod) && json_set_text(pod, "pod", member->peer->pod_name) &&
                json_set_number(pod, "ordinal", member->peer->ordinal) &&
                json_set_text(pod, "address", member->peer->addr.text) &&
                json_set_bool(pod, "answers", member->known) &&
                json_set_bool(pod, "good", row->good) && json_set_text(pod, "state", row->state) &&
                json_set_text(pod, "role",
                              !member->known        ? ""
                              : member->in_recovery ? "standby"
                                                    : "primary");
    if (member->known)
        good = good && set_identifier(pod, member->system_identifier) &&
               json_set_number(pod, "timeline", member->timeline) &&
               set_lsn(pod, "position", member->lsn);
    if (member->known && member->in_recovery && member->answer == PG_ROWS)
        good = good && add_standby(row, member, pod);
    good = json_set(pod, "slots", slots) && good;
    for (size_t i = 0; i < member->slot_count && good; i++)
        good = add_slot(&member->slots[i], slots);
    return good;
}

static bool add_register(const struct pg_observer *observer, struct json *root)
{
    const struct named *named = &observer->named;
    struct json *object = json_object();
    char name[IDENTITY_NAME_MAX] = "";
    if (named->ordinal >= 0)
        identity_pod_name(&observer->identity, named->ordinal, name);
    return json_set(root, "register", object) &&
           json_set_text(object, "where", register_describe(observer->store)) &&
           json_set_bool(object, "answers", named->known) &&
           json_set_text(object, "primary", name) &&
           set_identifier(object, named->system_identifier) &&
           json_set_number(object, "timeline", named->timeline);
}

static bool add_head(const struct pg_status *status, struct json *root)
{
    const struct pg_observer *observer = &status->look.observer;
    int named = status->look.facts.named;
    const char *synchronous = named >= 0 ? observer->members[named].synchronous : NULL;
    char sentence[1024];
    pg_form_sentence(&status->look, sentence);
    return json_set_number(root, "version", STATUS_VERSION) &&
           json_set_text(root, "engine", "postgres") &&
           json_set_text(root, "clusterId", observer->identity.cluster_id) &&
           json_set_bool(root, "healthy", status->healthy) &&
           json_set_text(root, "because", sentence) && add_register(observer, root) &&
           json_set_text(root, "synchronousStandbyNames", synchronous != NULL ? synchronous : "");
}

bool pg_status_write_json(const struct pg_status *status, struct buf *out)
{
    struct json *root = json_object();
    struct json *pods = json_array();
    struct json *problems = json_array();
    struct json *kept = json_array();
    bool good = root != NULL && add_head(status, root);
    good = json_set(root, "pods", pods) && good;
    good = json_set(root, "problems", problems) && good;
    good = json_set(root, "keptHere", kept) && good;
    for (size_t i = 0; i < status->look.observer.count && good; i++)
        good = add_row(status, &status->rows[i], pods);
    for (size_t i = 0; i < status->problem_count && good; i++)
        good = json_add_text(problems, status->problems[i]);
    if (status->kept != NULL)
        good = good && json_add_text(kept, status->kept);
    good = good && json_print(root, true, out);
    buf_add_text(out, "\n");
    json_free(root);
    return good && buf_ok(out);
}
