#include <string.h>

#include "init/redis/status.h"
#include "init/sys/json.h"

#define STATUS_VERSION 1

static bool add_node(const struct status_row *row, struct json *pod)
{
    bool good = json_set_text(pod, "id", row->node->id) &&
                json_set_text(pod, "role", row->node->is_master ? "master" : "replica");
    if (*row->node->master_id != '\0')
        good = good && json_set_text(pod, "masterId", row->node->master_id);
    good = good && json_set_number(pod, "slots", row->node->slots) &&
           json_set_number(pod, "epoch", (double)row->node->epoch) &&
           json_set_bool(pod, "lost", row->node->lost);
    if (row->member == NULL)
        return good;
    good = good && json_set_number(pod, "keys", (double)row->member->info.keys) &&
           json_set_bool(pod, "clusterOk", row->member->info.cluster_ok);
    if (!row->node->is_master)
        good = good && json_set_bool(pod, "linkUp", row->member->info.master_link_up) &&
               json_set_number(pod, "behindBytes", (double)row->behind_bytes);
    return good;
}

static bool add_row(const struct form_look *look, const struct status_row *row, struct json *pods)
{
    struct json *pod = json_object();
    if (!json_add(pods, pod))
        return false;
    int ordinal = status_ordinal(row);
    bool answers = row->member != NULL && row->member->contact == MEMBER_ANSWERED;
    char name[IDENTITY_NAME_MAX] = "";
    if (ordinal >= 0)
        identity_pod_name(&look->observer.identity, ordinal, name);
    bool good = json_set_text(pod, "pod", name) && json_set_number(pod, "ordinal", ordinal) &&
                json_set_bool(pod, "answers", answers);
    if (row->member != NULL)
        good = good && json_set_text(pod, "address", row->member->ip);
    if (*row->zone != '\0')
        good = good && json_set_text(pod, "zone", row->zone);
    if (row->shard > 0)
        good = good && json_set_number(pod, "shard", row->shard);
    return good && (row->node == NULL || add_node(row, pod));
}

static bool add_head(const struct form_look *look, const struct status_rows *rows,
                     struct json *root)
{
    const struct observer *observer = &look->observer;
    char sentence[512];
    form_sentence(look, sentence);
    return json_set_number(root, "version", STATUS_VERSION) &&
           json_set_text(root, "engine", "redis") &&
           json_set_text(root, "clusterId", observer->identity.cluster_id) &&
           json_set_bool(root, "healthy", look->plan.verdict == FORM_CONVERGED) &&
           json_set_text(root, "because", sentence) &&
           json_set_number(root, "podsExpected", (double)observer->member_count) &&
           json_set_number(root, "podsAnswering", (double)observer->picture.answered) &&
           json_set_number(root, "shards", rows->shards) &&
           json_set_number(root, "slotsAssigned", observer->picture.slots_assigned);
}

bool status_write_json(const struct form_look *look, const struct status_rows *rows,
                       struct buf *out)
{
    struct json *root = json_object();
    struct json *pods = json_array();
    struct json *problems = json_array();
    bool good = root != NULL && add_head(look, rows, root);
    good = json_set(root, "pods", pods) && good;
    good = json_set(root, "problems", problems) && good;
    for (size_t i = 0; i < rows->count && good; i++)
        good = add_row(look, &rows->rows[i], pods);
    for (size_t i = 0; status_problem(look, i) != NULL && good; i++)
        good = json_add_text(problems, status_problem(look, i));
    good = good && json_print(root, true, out);
    buf_add_text(out, "\n");
    json_free(root);
    return good && buf_ok(out);
}
