#include "tests/unit/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "init/sys/digest.h"

struct world world;

static struct cluster_member members[WORLD_PODS];
static struct redis_node rows[WORLD_PODS][WORLD_ROWS];
static int row_ordinals[WORLD_PODS][WORLD_ROWS];
static char texts[WORLD_PODS][WORLD_TEXT];
static enum cluster_claim claims[WORLD_PODS];
static struct cluster_node nodes[WORLD_PODS * 4];
static struct form_step steps[FORM_STEPS_MAX];

/* --- ids --- */

void world_birth_id(int ordinal, char id[static REDIS_ID_LEN + 1])
{
    (void)snprintf(id, REDIS_ID_LEN + 1, "b%02u%037d", (unsigned)ordinal % 100U, 0);
}

void world_new_id(int ordinal, char id[static REDIS_ID_LEN + 1])
{
    (void)snprintf(id, REDIS_ID_LEN + 1, "e%02u%037d", (unsigned)ordinal % 100U, 0);
}

void world_short_id(const char *id, char text[static 16])
{
    (void)snprintf(text, 16, "%.6s", id);
    if (id[0] == 'b' || id[0] == 'e') {
        char two[3] = {id[1], id[2], '\0'};
        (void)snprintf(text, 16, "%c%d", id[0] == 'b' ? '$' : '%', atoi(two));
    }
}

static void expand(const char *table, char out[static WORLD_TEXT])
{
    size_t at = 0;
    while (*table != '\0') {
        assert_true(at + REDIS_ID_LEN + 1 < WORLD_TEXT);
        if (*table != '$' && *table != '%') {
            out[at++] = *table++;
            continue;
        }
        bool birth = *table == '$';
        char *end;
        int ordinal = (int)strtol(table + 1, &end, 10);
        birth ? world_birth_id(ordinal, out + at) : world_new_id(ordinal, out + at);
        at += REDIS_ID_LEN;
        table = end;
    }
    out[at] = '\0';
}

/* --- pods --- */

static void set_up_pod(int ordinal)
{
    struct cluster_member *member = &members[ordinal];
    memset(member, 0, sizeof(*member));
    member->ordinal = ordinal;
    member->contact = MEMBER_SILENT;
    (void)snprintf(member->ip, sizeof(member->ip), "10.0.0.%d", ordinal);
    member->port = 6379;
    world_birth_id(ordinal, member->expected_id);
    member->announced_ordinal = -1;
    member->info = redis_info_none();
    member->table.myself = -1;
    member->row_ordinal = row_ordinals[ordinal];
    member->node_timeout_ms = -1;
}

void world_begin(int replicas, int masters)
{
    memset(&world, 0, sizeof(world));
    assert_true(replicas <= WORLD_PODS);
    assert_true(placement_deal(replicas, masters, NULL, world.master_of));
    for (int i = 0; i < replicas; i++)
        set_up_pod(i);
    world.wish = (struct form_wish){.replicas = replicas,
                                    .masters = masters,
                                    .master_of = world.master_of,
                                    .promote_ordinal = -1,
                                    .synced_ordinal = -1,
                                    .knows_again = true};
    world.picture.members = members;
    world.picture.member_count = (size_t)replicas;
    world.picture.claims = claims;
    world.picture.nodes = nodes;
    world.picture.capacity = sizeof(nodes) / sizeof(nodes[0]);
    world.plan.steps = steps;
}

void world_add_pod(void)
{
    assert_true(world.picture.member_count < WORLD_PODS);
    set_up_pod((int)world.picture.member_count++);
}

struct cluster_member *world_pod(int ordinal)
{
    return &members[ordinal];
}

void world_silence(int ordinal)
{
    char ip[46];
    memcpy(ip, members[ordinal].ip, sizeof(ip));
    set_up_pod(ordinal);
    memcpy(members[ordinal].ip, ip, sizeof(ip));
}

static int ordinal_of(const struct redis_node *row)
{
    if (strncmp(row->hostname, "redis-", 6) == 0)
        return atoi(row->hostname + 6);
    for (size_t i = 0; i < world.picture.member_count; i++)
        if (strcmp(members[i].expected_id, row->id) == 0)
            return (int)i;
    return -1;
}

static void give_usual_info(struct cluster_member *member, const struct redis_node *self)
{
    struct redis_info *info = &member->info;
    *info = redis_info_none();
    info->role_known = true;
    info->is_master = *self->master_id == '\0';
    info->master_link_up = !info->is_master;
    info->cluster_known = info->cluster_ok = true;
    info->slots_ok = REDIS_SLOTS;
    info->keys = 0;
    info->offset = 100;
    info->current_epoch = 0;
    (void)snprintf(info->replid, sizeof(info->replid), "%.40s",
                   info->is_master ? self->id : self->master_id);
    int master = redis_table_find(&member->table, self->master_id);
    if (master >= 0) {
        (void)snprintf(info->master_host, sizeof(info->master_host), "%s",
                       member->table.nodes[master].ip);
        info->master_port = 6379;
    }
}

struct cluster_member *world_say(int ordinal, const char *table)
{
    struct cluster_member *member = &members[ordinal];
    expand(table, texts[ordinal]);
    member->table.nodes = rows[ordinal];
    member->table.capacity = WORLD_ROWS;
    size_t line = 0;
    enum redis_table_status status =
        redis_table_parse(&member->table, texts[ordinal], strlen(texts[ordinal]), false, &line);
    if (status != REDIS_TABLE_OK)
        fail_msg("pod %d, line %zu of its table: %d", ordinal, line, (int)status);
    const struct redis_node *self = &member->table.nodes[member->table.myself];
    member->contact = MEMBER_ANSWERED;
    memcpy(member->id, self->id, sizeof(member->id));
    member->announces = *self->hostname != '\0';
    member->announced_ordinal =
        strncmp(self->hostname, "redis-", 6) == 0 ? atoi(self->hostname + 6) : -1;
    for (size_t r = 0; r < member->table.count; r++) {
        member->row_ordinal[r] = ordinal_of(&member->table.nodes[r]);
        if (member->table.nodes[r].epoch > member->table.current_epoch)
            member->table.current_epoch = member->table.nodes[r].epoch;
    }
    static char view[1 << 16];
    size_t len = redis_table_view(&member->table, view, sizeof(view));
    digest_sha256_hex(view, len, member->view);
    give_usual_info(member, self);
    return member;
}

/* --- what every plan must hold --- */

static bool is_ours(int member)
{
    return member >= 0 && (size_t)member < world.picture.member_count &&
           claims[member] == CLAIM_OURS;
}

static bool everybody_answered(void)
{
    bool all = true;
    for (size_t i = 0; i < world.picture.member_count; i++)
        all = all && claims[i] == CLAIM_OURS;
    return all;
}

static const struct cluster_node *node_of(const char *id)
{
    int index = cluster_picture_find(&world.picture, id);
    return index < 0 ? NULL : &nodes[index];
}

/* A step of KIND for MEMBER among the COUNT steps from FROM on. */
static bool has_step(enum form_step_kind kind, int member, const struct form_step *from,
                     size_t count)
{
    bool found = false;
    for (size_t i = 0; i < count; i++)
        found = found || (from[i].kind == kind && from[i].member == member);
    return found;
}

/* No server of ours has heard it and still holds it for well. */
static bool nobody_holds_for_alive(const char *id)
{
    for (size_t i = 0; i < world.picture.member_count; i++) {
        if (!is_ours((int)i))
            continue;
        int index = redis_table_find(&members[i].table, id);
        if (index < 0)
            continue;
        const struct redis_node *row = &members[i].table.nodes[index];
        const unsigned doubt = REDIS_FAIL | REDIS_PFAIL | REDIS_NOADDR | REDIS_HANDSHAKE;
        if (row->link_connected && row->pong_recv != 0 && (row->flags & doubt) == 0)
            return false;
    }
    return true;
}

/* Its pod answers, as ours and under its own name, with another id; and nobody holds it for alive. */
static void check_lost(const struct cluster_node *node)
{
    assert_non_null(node);
    assert_true(node->lost && node->member < 0);
    int pod = cluster_picture_member(&world.picture, node->ordinal);
    assert_true(is_ours(pod));
    assert_string_not_equal(members[pod].id, node->id);
    assert_true(members[pod].announces);
    assert_int_equal(members[pod].announced_ordinal, node->ordinal);
    assert_true(nobody_holds_for_alive(node->id));
}

/* Nobody answers as it, nobody of ours that knows it holds it for well, and it owns and leads nobody. */
static bool is_of_no_use(const struct cluster_node *node)
{
    for (size_t i = 0; i < world.picture.count; i++)
        if (strcmp(nodes[i].master_id, node->id) == 0)
            return false;
    return node->member < 0 && node->slots == 0 && nobody_holds_for_alive(node->id);
}

/* Lost; or of no pod, which some have forgotten already; or of a pod that was scaled in. */
static void check_forgotten(const struct cluster_node *node)
{
    assert_non_null(node);
    int beyond = world.wish.start + world.wish.replicas;
    bool scaled_in = world.wish.forgets_scaled_in && node->ordinal >= beyond &&
                     node->failing == node->known_by &&
                     cluster_picture_member(&world.picture, node->ordinal) < 0;
    bool leftover = node->ordinal < 0 && (size_t)node->known_by < world.picture.answered;
    if (scaled_in || leftover)
        assert_true(is_of_no_use(node) && everybody_answered());
    else
        check_lost(node);
}

/* Nobody owns the slots of its shard: a person named it, and everybody has answered. */
static bool is_promised(int member, const struct cluster_node *master)
{
    return master != NULL && !master->lost && master->slots == 0 &&
           members[member].ordinal == world.wish.promote_ordinal && everybody_answered();
}

/* A row of no pod's name, given up by a person while everybody answers. */
static bool is_given_up(const struct cluster_node *node)
{
    return cluster_picture_member(&world.picture, node->ordinal) < 0 &&
           world.wish.accept_empty_shard && everybody_answered();
}

/* Who is promoted is named by a person; or every other replica that may hold the data answers or is given
 * up, has the same history, and is not further. */
static void check_holder(int member, const char *master_id)
{
    const struct redis_info *info = &members[member].info;
    if (world.wish.promote_ordinal == members[member].ordinal)
        return;
    for (size_t i = 0; i < world.picture.count; i++) {
        const struct cluster_node *other = &nodes[i];
        if (other->lost || other->member == member || strcmp(other->master_id, master_id) != 0)
            continue;
        if (other->member < 0 && is_given_up(other))
            continue;
        assert_true(is_ours(other->member));
        assert_true(*info->replid != '\0');
        assert_string_equal(members[other->member].info.replid, info->replid);
        assert_true(members[other->member].info.offset <= info->offset);
    }
}

/* Not even by its id. */
static void check_no_foreigner(const struct form_step *step)
{
    for (size_t i = 0; i < world.picture.member_count; i++) {
        if (claims[i] != CLAIM_FOREIGN)
            continue;
        assert_true(step->member != (int)i && step->target != (int)i);
        assert_string_not_equal(step->id, members[i].id);
    }
}

/* It has slots, and another server has its row with a higher epoch than its own. */
static bool is_believed_newer(int member)
{
    const struct redis_node *self = cluster_member_self(&members[member]);
    bool newer = false;
    for (size_t i = 0; i < world.picture.member_count; i++) {
        int row = is_ours((int)i) ? redis_table_find(&members[i].table, self->id) : -1;
        newer = newer || (row >= 0 && members[i].table.nodes[row].epoch > self->epoch);
    }
    return newer && self->slot_count > 0;
}

/* Everybody answers, and gives it its slots: a new epoch takes nothing from anybody. */
static void check_undisputed(int member)
{
    const struct cluster_member *master = &members[member];
    assert_true(everybody_answered());
    for (size_t i = 0; i < world.picture.member_count; i++) {
        const struct redis_table *table = &members[i].table;
        int row = redis_table_find(table, master->id);
        assert_true(row >= 0);
        for (int slot = 0; slot < REDIS_SLOTS; slot++)
            assert_true(master->table.slot_owner[slot] != master->table.myself ||
                        table->slot_owner[slot] == row);
    }
}

/* Whose server loses something by step INDEX, that it is sure. */
static void check_step(size_t index)
{
    const struct form_step *step = &steps[index];
    size_t left = world.plan.count - index;
    check_no_foreigner(step);
    assert_true(is_ours(step->member)); /* never a foreign server, never one that is silent */
    const struct redis_node *self = cluster_member_self(&members[step->member]);
    const struct cluster_node *node = *step->id != '\0' ? node_of(step->id) : NULL;
    const struct cluster_node *master = node_of(self->master_id);
    switch (step->kind) {
    case FORM_SET_EPOCH:
        assert_true(self->epoch == 0 && members[step->member].table.count == 1);
        assert_true(step->number > 0);
        break;
    case FORM_ADD_SLOTS:
        assert_true((self->flags & REDIS_MASTER) != 0);
        assert_true(self->epoch > 0 || has_step(FORM_SET_EPOCH, step->member, steps, index) ||
                    has_step(FORM_BUMP_EPOCH, step->member, steps, index));
        assert_true(step->range.first <= step->range.last && step->range.last < REDIS_SLOTS);
        for (int slot = step->range.first; slot <= step->range.last; slot++) {
            assert_int_equal(world.picture.slot_owner[slot], -1);
            assert_int_equal(members[step->member].table.slot_owner[slot], -1);
        }
        break;
    case FORM_MEET:
        assert_true(is_ours(step->target) && step->target != step->member);
        break;
    case FORM_REPLICATE:
        assert_non_null(node);
        assert_true(is_ours(node->member) && node->is_master && node->member != step->member);
        assert_int_equal(self->slot_count, 0);
        assert_true(members[step->member].info.keys <= 0 || master == node);
        break;
    case FORM_PROMOTE:
    case FORM_TAKEOVER:
        if (step->kind == FORM_TAKEOVER && is_promised(step->member, master))
            break;
        check_lost(master);
        assert_true(master->slots > 0);
        assert_true(step->kind == FORM_PROMOTE || everybody_answered());
        check_holder(step->member, self->master_id);
        break;
    case FORM_FORGET:
        check_forgotten(node);
        assert_true(node->slots == 0 || (world.wish.accept_empty_shard && everybody_answered()));
        break;
    case FORM_BUMP_EPOCH:
        assert_true((self->flags & REDIS_MASTER) != 0);
        if (is_believed_newer(step->member))
            check_undisputed(step->member);
        else /* just before slots */
            assert_true(self->epoch == 0 && left > 1 && step[1].kind == FORM_ADD_SLOTS &&
                        step[1].member == step->member);
        break;
    case FORM_ANNOUNCE:
        assert_string_not_equal(self->ip, members[step->member].ip);
        break;
    case FORM_STEP_KINDS:
        fail();
    }
}

static void check_plan(void)
{
    const struct form_plan *plan = &world.plan;
    assert_true(plan->count <= FORM_STEPS_MAX);
    assert_true(plan->about >= -1 && plan->about < (int)world.picture.member_count);
    assert_in_range(strlen(redis_form_sentence(plan->reason)), 1, 300);
    if (plan->verdict == FORM_CONVERGED) {
        assert_int_equal(plan->count, 0);
        assert_true(everybody_answered());
    }
    if (plan->verdict == FORM_WORK)
        assert_true(plan->count > 0);
    if (plan->reason == FORM_IS_FOREIGN || plan->reason == FORM_IS_NOT_ORDAINS)
        assert_true(plan->verdict == FORM_REFUSE && plan->count == 0);
    for (size_t i = 0; i < plan->count; i++)
        check_step(i);
}

const struct form_plan *world_decide(void)
{
    memset(steps, 0xee, sizeof(steps));
    assert_true(cluster_picture_draw(&world.picture, world.adopt));
    redis_form_decide(&world.picture, &world.wish, &world.plan);
    check_plan();
    return &world.plan;
}

/* --- words --- */

bool world_does(enum form_step_kind kind)
{
    for (size_t i = 0; i < world.plan.count; i++)
        if (steps[i].kind == kind)
            return true;
    return false;
}

static int step_text(const struct form_step *step, char *text, size_t size)
{
    static const char *const kinds[FORM_STEP_KINDS] = {
        "epoch", "slots", "meet", "replicate", "promote", "takeover", "forget", "bump", "announce"};
    const char *kind = kinds[step->kind];
    char id[16];
    world_short_id(step->id, id);
    if (step->kind == FORM_SET_EPOCH)
        return snprintf(text, size, "%s %d %d", kind, step->member, step->number);
    if (step->kind == FORM_ADD_SLOTS)
        return snprintf(text, size, "%s %d %u-%u", kind, step->member, (unsigned)step->range.first,
                        (unsigned)step->range.last);
    if (step->kind == FORM_MEET)
        return snprintf(text, size, "%s %d %d", kind, step->member, step->target);
    if (step->kind == FORM_REPLICATE || step->kind == FORM_FORGET)
        return snprintf(text, size, "%s %d %s", kind, step->member, id);
    return snprintf(text, size, "%s %d", kind, step->member);
}

const char *world_plan(void)
{
    static const char *const verdicts[] = {"converged", "work", "wait", "refuse"};
    static const char *const reasons[FORM_REASONS] = {
        "whole",          "foreign",  "not-ordains", "keys",     "lacks-pods",  "was-seeded",
        "needs-register", "birth",    "roles",       "meets",    "holder-away", "holder-unclear",
        "no-holder",      "promotes", "abandons",    "no-owner", "mends",       "takes-effect"};
    static char text[1 << 14];
    const struct form_plan *plan = &world.plan;
    size_t len = (size_t)snprintf(text, sizeof(text), "%s %s", verdicts[plan->verdict],
                                  reasons[plan->reason]);
    if (plan->about >= 0)
        len += (size_t)snprintf(text + len, sizeof(text) - len, " %d", plan->about);
    for (size_t i = 0; i < plan->count && len < sizeof(text) - 100; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, i == 0 ? ": " : "; ");
        len += (size_t)step_text(&steps[i], text + len, sizeof(text) - len);
    }
    return text;
}
