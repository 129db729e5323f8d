/*
 * Whatever pods say, a plan has only steps for servers of ours that answered, meets nobody else, forgets
 * nobody who answers, gives away no slot that somebody claims, and takes over only when all have answered.
 *
 * Input: a byte of wishes (bit 0 adopt, 1 accept an empty shard, 2 seeded before, 3 pod 1 holds the data,
 * 4 a probe's own proof), then the pods' CLUSTER NODES replies with a NUL between them; pod N is at
 * 10.0.0.N, its birth id is 40 times the digit N, its host name p-N.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "roles/redis_form.h"

#define PODS 4
#define ROWS 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cluster_member members[PODS];
static struct redis_node rows[PODS][ROWS];
static int row_ordinals[PODS][ROWS];
static enum cluster_claim claims[PODS];
static struct cluster_node nodes[PODS * ROWS];
static struct form_step steps[FORM_STEPS_MAX];
static struct cluster_picture picture;

static void require(bool condition)
{
    if (!condition)
        abort();
}

static int ordinal_of_host(const char *host)
{
    bool ours = host[0] == 'p' && host[1] == '-' && host[2] >= '0' && host[2] < '0' + PODS;
    return ours && host[3] == '\0' ? host[2] - '0' : -1;
}

static void hear(struct cluster_member *member, const char *text, size_t len)
{
    int ordinal = member->ordinal;
    member->table.nodes = rows[ordinal];
    member->table.capacity = ROWS;
    member->row_ordinal = row_ordinals[ordinal];
    if (redis_table_parse(&member->table, text, len, false, NULL) != REDIS_TABLE_OK ||
        member->table.myself < 0)
        return;
    const struct redis_node *self = &member->table.nodes[member->table.myself];
    member->contact = MEMBER_ANSWERED;
    memcpy(member->id, self->id, sizeof(member->id));
    member->announces = *self->hostname != '\0';
    member->announced_ordinal = ordinal_of_host(self->hostname);
    member->info.keys = self->pong_recv > 0 ? 1 : 0;
    member->info.offset = (int64_t)self->ping_sent;
    member->info.role_known = true;
    member->info.is_master = *self->master_id == '\0';
    for (size_t r = 0; r < member->table.count; r++)
        row_ordinals[ordinal][r] = ordinal_of_host(rows[ordinal][r].hostname);
}

static void set_up(struct cluster_member *member, int ordinal)
{
    memset(member, 0, sizeof(*member));
    member->ordinal = ordinal;
    member->contact = MEMBER_SILENT;
    memcpy(member->ip, "10.0.0.0", 9);
    member->ip[7] = (char)('0' + ordinal);
    memset(member->expected_id, '0' + ordinal, REDIS_ID_LEN);
    member->info = redis_info_none();
    member->announced_ordinal = -1;
    member->table.myself = -1;
}

static bool is_ours(int member)
{
    return member >= 0 && member < PODS && claims[member] == CLAIM_OURS;
}

static void check_step(const struct form_step *step)
{
    require(is_ours(step->member));
    const struct redis_node *self = cluster_member_self(&members[step->member]);
    require(self != NULL);
    if (step->kind == FORM_MEET)
        require(is_ours(step->target) && step->target != step->member);
    if (step->kind == FORM_TAKEOVER)
        require(picture.answered == PODS);
    if (step->kind == FORM_FORGET || step->kind == FORM_REPLICATE) {
        int node = cluster_picture_find(&picture, step->id);
        require(node >= 0 && (nodes[node].member >= 0) == (step->kind == FORM_REPLICATE));
    }
    for (int slot = step->range.first; step->kind == FORM_ADD_SLOTS && slot <= step->range.last;
         slot++)
        require(picture.slot_owner[slot] == -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 1 << 14)
        return 0;
    const char *text = (const char *)data + 1;
    const char *end = (const char *)data + size;
    for (int i = 0; i < PODS; i++) {
        set_up(&members[i], i);
        const char *stop = text < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;
        size_t len = text < end ? (size_t)((stop != NULL ? stop : end) - text) : 0;
        if (len > 0)
            hear(&members[i], text, len);
        text += len + 1;
    }
    int master_of[PODS];
    require(placement_deal(PODS, 2, NULL, master_of));
    const struct form_wish wish = {
        .replicas = PODS,
        .masters = 2,
        .master_of = master_of,
        .adopt = (data[0] & 1) != 0,
        .accept_empty_shard = (data[0] & 2) != 0,
        .was_seeded = (data[0] & 4) != 0,
        .promote_ordinal = (data[0] & 8) != 0 ? 1 : -1,
    };
    picture.members = members;
    picture.member_count = PODS;
    picture.claims = claims;
    picture.nodes = nodes;
    picture.capacity = PODS * ROWS;
    require(cluster_picture_draw(&picture, wish.adopt));
    struct form_plan plan = {.steps = steps};
    redis_form_decide(&picture, &wish, &plan);
    require(plan.count <= FORM_STEPS_MAX && redis_form_sentence(plan.reason) != NULL);
    for (size_t i = 0; i < plan.count; i++)
        check_step(&plan.steps[i]);
    return 0;
}
