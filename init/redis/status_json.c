#include <cJSON.h>
#include <string.h>

#include "init/redis/status.h"

#define STATUS_VERSION 1

static void add_row(const struct form_look *look, const struct status_row *row, cJSON *pods)
{
    cJSON *pod = cJSON_CreateObject();
    cJSON_AddItemToArray(pods, pod);
    int ordinal = status_ordinal(row);
    char name[IDENTITY_NAME_MAX] = "";
    if (ordinal >= 0)
        identity_pod_name(&look->observer.identity, ordinal, name);
    cJSON_AddStringToObject(pod, "pod", name);
    cJSON_AddNumberToObject(pod, "ordinal", ordinal);
    cJSON_AddBoolToObject(pod, "answers",
                          row->member != NULL && row->member->contact == MEMBER_ANSWERED);
    if (row->member != NULL)
        cJSON_AddStringToObject(pod, "address", row->member->ip);
    if (*row->zone != '\0')
        cJSON_AddStringToObject(pod, "zone", row->zone);
    if (row->shard > 0)
        cJSON_AddNumberToObject(pod, "shard", row->shard);
    if (row->node == NULL)
        return;
    cJSON_AddStringToObject(pod, "id", row->node->id);
    cJSON_AddStringToObject(pod, "role", row->node->is_master ? "master" : "replica");
    if (*row->node->master_id != '\0')
        cJSON_AddStringToObject(pod, "masterId", row->node->master_id);
    cJSON_AddNumberToObject(pod, "slots", row->node->slots);
    cJSON_AddNumberToObject(pod, "epoch", (double)row->node->epoch);
    cJSON_AddBoolToObject(pod, "lost", row->node->lost);
    if (row->member == NULL)
        return;
    cJSON_AddNumberToObject(pod, "keys", (double)row->member->info.keys);
    cJSON_AddBoolToObject(pod, "clusterOk", row->member->info.cluster_ok);
    if (!row->node->is_master) {
        cJSON_AddBoolToObject(pod, "linkUp", row->member->info.master_link_up);
        cJSON_AddNumberToObject(pod, "behindBytes", (double)row->behind_bytes);
    }
}

bool status_write_json(const struct form_look *look, const struct status_rows *rows,
                       struct buf *out)
{
    cJSON *root = cJSON_CreateObject();
    const struct observer *observer = &look->observer;
    char sentence[512];
    form_sentence(look, sentence);
    cJSON_AddNumberToObject(root, "version", STATUS_VERSION);
    cJSON_AddStringToObject(root, "engine", "redis");
    cJSON_AddStringToObject(root, "clusterId", observer->identity.cluster_id);
    cJSON_AddBoolToObject(root, "healthy", look->plan.verdict == FORM_CONVERGED);
    cJSON_AddStringToObject(root, "because", sentence);
    cJSON_AddNumberToObject(root, "podsExpected", (double)observer->member_count);
    cJSON_AddNumberToObject(root, "podsAnswering", (double)observer->picture.answered);
    cJSON_AddNumberToObject(root, "shards", rows->shards);
    cJSON_AddNumberToObject(root, "slotsAssigned", observer->picture.slots_assigned);
    cJSON *pods = cJSON_AddArrayToObject(root, "pods");
    for (size_t i = 0; i < rows->count; i++)
        add_row(look, &rows->rows[i], pods);
    cJSON *problems = cJSON_AddArrayToObject(root, "problems");
    for (size_t i = 0; status_problem(look, i) != NULL; i++)
        cJSON_AddItemToArray(problems, cJSON_CreateString(status_problem(look, i)));
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (text == NULL)
        return false;
    buf_add_text(out, text);
    buf_add_text(out, "\n");
    cJSON_free(text);
    return buf_ok(out);
}
