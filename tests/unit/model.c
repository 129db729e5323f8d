#include "tests/unit/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define FORGET_ROUNDS 20
#define LOOKS_MAX 60

struct model_server model[WORLD_PODS];
int model_refusals;

static size_t pods(void)
{
    return world.picture.member_count;
}

/* --- rows --- */

struct model_row *model_find(struct model_server *server, const char *id)
{
    for (size_t r = 0; r < server->count; r++)
        if (!server->rows[r].handshake && strcmp(server->rows[r].id, id) == 0)
            return &server->rows[r];
    return NULL;
}

static struct model_row *add_row(struct model_server *server, const char *id, const char *ip)
{
    assert_true(server->count < MODEL_ROWS);
    struct model_row *row = &server->rows[server->count++];
    memset(row, 0, sizeof(*row));
    (void)snprintf(row->id, sizeof(row->id), "%s", id);
    (void)snprintf(row->ip, sizeof(row->ip), "%s", ip);
    row->master = true;
    return row;
}

static void remove_row(struct model_server *server, size_t index)
{
    for (int slot = 0; slot < REDIS_SLOTS; slot++)
        if (server->owner[slot] == (int)index)
            server->owner[slot] = -1;
        else if (server->owner[slot] > (int)index)
            server->owner[slot]--;
    server->count--;
    memmove(&server->rows[index], &server->rows[index + 1],
            (server->count - index) * sizeof(server->rows[0]));
}

static int slots_of(const struct model_server *server, size_t row)
{
    int count = 0;
    for (int slot = 0; slot < REDIS_SLOTS; slot++)
        count += server->owner[slot] == (int)row;
    return count;
}

static struct model_server *at_ip(const char *ip)
{
    for (size_t i = 0; i < pods(); i++)
        if (model[i].up && strcmp(model[i].ip, ip) == 0)
            return &model[i];
    return NULL;
}

static bool is_banned(const struct model_server *server, const char *id)
{
    for (size_t i = 0; i < 8; i++)
        if (server->ban_rounds[i] > 0 && strcmp(server->banned[i], id) == 0)
            return true;
    return false;
}

static void start_alone(struct model_server *server, int ordinal, const char *id)
{
    memset(server, 0, sizeof(*server));
    server->up = true;
    server->ordinal = ordinal;
    (void)snprintf(server->ip, sizeof(server->ip), "10.0.0.%d", ordinal);
    memset(server->owner, 0xff, sizeof(server->owner));
    add_row(server, id, server->ip)->heard = true;
    memcpy(server->replid, id, sizeof(server->replid));
}

void model_newborn(void)
{
    model_refusals = 0;
    for (size_t i = 0; i < pods(); i++) {
        char id[REDIS_ID_LEN + 1];
        (void)snprintf(id, sizeof(id), "c%02u%037d", (unsigned)(i * 37 % 61), 0);
        start_alone(&model[i], (int)i, id);
        world_birth_id((int)i, world_pod((int)i)->expected_id);
    }
}

static void seed_row(struct model_server *server, int index)
{
    char id[REDIS_ID_LEN + 1];
    char ip[16];
    world_birth_id(index, id);
    (void)snprintf(ip, sizeof(ip), "10.0.0.%d", index);
    bool me = index == server->ordinal;
    struct model_row *row = me ? &server->rows[0] : add_row(server, id, ip);
    int master = world.master_of[index];
    row->master = master == index;
    if (!row->master) {
        world_birth_id(master, row->master_id);
        return;
    }
    row->epoch = (uint64_t)index + 1;
    struct slot_range range = placement_slots(world.wish.masters, index);
    for (int slot = range.first; slot <= range.last; slot++)
        server->owner[slot] = (int16_t)(row - server->rows);
}

void model_seeded(void)
{
    model_refusals = 0;
    for (size_t i = 0; i < pods(); i++) {
        char id[REDIS_ID_LEN + 1];
        world_birth_id((int)i, id);
        start_alone(&model[i], (int)i, id);
        for (size_t j = 0; j < pods(); j++)
            seed_row(&model[i], (int)j);
        model[i].keys = MODEL_KEYS;
        model[i].offset = 100;
        world_birth_id(world.master_of[i], model[i].replid);
    }
}

void model_lose_volume(int ordinal)
{
    char id[REDIS_ID_LEN + 1];
    char ip[16];
    memcpy(ip, model[ordinal].ip, sizeof(ip));
    world_new_id(ordinal, id);
    start_alone(&model[ordinal], ordinal, id);
    memcpy(model[ordinal].ip, ip, sizeof(ip));
    memcpy(model[ordinal].rows[0].ip, ip, sizeof(ip));
}

void model_move(int ordinal, const char *ip)
{
    (void)snprintf(model[ordinal].ip, sizeof(model[ordinal].ip), "%s", ip);
    (void)snprintf(model[ordinal].rows[0].ip, sizeof(model[ordinal].ip), "%s", ip);
    (void)snprintf(world_pod(ordinal)->ip, sizeof(world_pod(ordinal)->ip), "%s", ip);
}

void model_settle(int replicas, int masters)
{
    world_begin(replicas, masters);
    model_seeded();
    for (size_t i = 0; i < pods(); i++)
        if (!model[i].rows[0].master)
            memcpy(model[i].master_host, model[world.master_of[i]].ip, 16);
    model_gossip();
    model_show(0);
    assert_int_equal(world_decide()->verdict, FORM_CONVERGED);
}

void model_expect_whole(void)
{
    model_show(0);
    assert_int_equal(world_decide()->verdict, FORM_CONVERGED);
    assert_int_equal(world.picture.count, pods());
    for (size_t i = 0; i < pods(); i++)
        assert_int_equal(model[i].keys, MODEL_KEYS);
}

/* --- commands --- */

static bool refuse(bool refused)
{
    model_refusals += refused;
    return refused;
}

uint64_t model_highest_epoch(const struct model_server *server)
{
    uint64_t highest = 0;
    for (size_t r = 0; r < server->count; r++)
        if (server->rows[r].epoch > highest)
            highest = server->rows[r].epoch;
    return highest;
}

static void add_slots(struct model_server *server, struct slot_range range)
{
    for (int slot = range.first; slot <= range.last; slot++)
        if (refuse(server->owner[slot] >= 0 || !server->rows[0].master))
            return;
    for (int slot = range.first; slot <= range.last; slot++)
        server->owner[slot] = 0;
}

static void meet(struct model_server *server, const char *ip)
{
    for (size_t r = 1; r < server->count; r++)
        if (server->rows[r].handshake && strcmp(server->rows[r].ip, ip) == 0)
            return;
    add_row(server, "", ip)->handshake = true;
}

static void replicate(struct model_server *server, const char *id)
{
    struct model_row *master = model_find(server, id);
    struct model_row *self = &server->rows[0];
    if (refuse(master == NULL || master == self || !master->master))
        return;
    if (refuse(self->master && (slots_of(server, 0) > 0 || server->keys > 0)))
        return;
    self->master = false;
    memcpy(self->master_id, id, sizeof(self->master_id));
    memcpy(server->master_host, master->ip, sizeof(server->master_host));
}

static bool majority_votes(const struct model_server *server)
{
    int all = 0;
    int here = 0;
    for (size_t r = 0; r < server->count; r++) {
        if (slots_of(server, r) == 0)
            continue;
        const struct model_server *there = at_ip(server->rows[r].ip);
        all++;
        here += there != NULL && strcmp(there->rows[0].id, server->rows[r].id) == 0;
    }
    return here > all / 2;
}

static void fail_over(struct model_server *server, bool forced)
{
    struct model_row *self = &server->rows[0];
    struct model_row *master = model_find(server, self->master_id);
    if (refuse(self->master || master == NULL) || (!forced && refuse(!majority_votes(server))))
        return;
    for (int slot = 0; slot < REDIS_SLOTS; slot++)
        if (server->owner[slot] == (int)(master - server->rows))
            server->owner[slot] = 0;
    self->master = true;
    *self->master_id = '\0';
    self->epoch = model_highest_epoch(server) + 1;
}

static void forget(struct model_server *server, const char *id)
{
    struct model_row *row = model_find(server, id);
    if (refuse(row == NULL || row == server->rows || strcmp(server->rows[0].master_id, id) == 0))
        return;
    remove_row(server, (size_t)(row - server->rows));
    for (size_t i = 0; i < 8; i++) {
        if (server->ban_rounds[i] > 0)
            continue;
        memcpy(server->banned[i], id, sizeof(server->banned[i]));
        server->ban_rounds[i] = FORGET_ROUNDS;
        return;
    }
}

/* BUMPEPOCH: without anybody's consent, unless it already has the highest (clusterBumpConfigEpoch...). */
static void bump_epoch(struct model_server *server)
{
    uint64_t highest = model_highest_epoch(server);
    if (server->rows[0].epoch == 0 || server->rows[0].epoch != highest)
        server->rows[0].epoch = highest + 1;
}

void model_take(const struct form_step *step)
{
    struct model_server *server = &model[step->member];
    switch (step->kind) {
    case FORM_SET_EPOCH:
        if (!refuse(server->count > 1 || server->rows[0].epoch != 0))
            server->rows[0].epoch = (uint64_t)step->number;
        break;
    case FORM_ADD_SLOTS:
        add_slots(server, step->range);
        break;
    case FORM_MEET:
        meet(server, world_pod(step->target)->ip);
        break;
    case FORM_REPLICATE:
        replicate(server, step->id);
        break;
    case FORM_PROMOTE:
    case FORM_TAKEOVER:
        fail_over(server, step->kind == FORM_TAKEOVER);
        break;
    case FORM_FORGET:
        forget(server, step->id);
        break;
    case FORM_BUMP_EPOCH:
        bump_epoch(server);
        break;
    case FORM_ANNOUNCE:
        memcpy(server->rows[0].ip, server->ip, sizeof(server->ip));
        break;
    case FORM_STEP_KINDS:
        fail();
    }
}

/* --- gossip --- */

/* THERE says which slots are its own: the higher epoch wins. Whose own, or whose master's, last slot goes
 * follows the taker (clusterUpdateSlotsConfigWith). */
static void hear_slots(struct model_server *here, struct model_row *row,
                       const struct model_server *there)
{
    int index = (int)(row - here->rows);
    struct model_row *self = &here->rows[0];
    const struct model_row *owner = self->master ? self : model_find(here, self->master_id);
    size_t mine = owner != NULL ? (size_t)(owner - here->rows) : 0;
    bool takes_mine = false;
    for (int slot = 0; slot < REDIS_SLOTS; slot++) {
        int now = here->owner[slot];
        if (there->owner[slot] == 0 && now != index &&
            (now < 0 || here->rows[now].epoch < row->epoch)) {
            here->owner[slot] = (int16_t)index;
            takes_mine = takes_mine || now == (int)mine;
        }
    }
    if (takes_mine && slots_of(here, mine) == 0) {
        self->master = false;
        memcpy(self->master_id, row->id, sizeof(row->id));
        memcpy(here->master_host, row->ip, sizeof(row->ip));
    }
}

static void hear(struct model_server *here, struct model_row *row, const struct model_server *there)
{
    const struct model_row *said = &there->rows[0];
    row->heard = true;
    memcpy(row->ip, said->ip, sizeof(row->ip)); /* as it announces itself */
    row->master = said->master;
    memcpy(row->master_id, said->master_id, sizeof(row->master_id));
    row->epoch = said->epoch;
    struct model_row *self = &here->rows[0];
    if (self->master && row->master && self->epoch == row->epoch && strcmp(self->id, row->id) < 0)
        self->epoch = model_highest_epoch(here) + 1;
    hear_slots(here, row, there);
    for (size_t r = 1; r < there->count; r++) { /* whom it knows */
        const struct model_row *other = &there->rows[r];
        if (!other->handshake && model_find(here, other->id) == NULL &&
            !is_banned(here, other->id)) {
            struct model_row *made = add_row(here, other->id, other->ip);
            made->master = other->master;
            memcpy(made->master_id, other->master_id, sizeof(made->master_id));
            made->epoch = other->epoch;
        }
    }
}

/* A MEET arrives: both know each other from now on. */
static void shake_hands(struct model_server *here)
{
    for (size_t r = 1; r < here->count; r++) {
        if (!here->rows[r].handshake)
            continue;
        struct model_server *there = at_ip(here->rows[r].ip);
        remove_row(here, r--);
        if (there == NULL || there == here)
            continue;
        struct model_server *both[2] = {here, there};
        for (int side = 0; side < 2; side++) {
            const struct model_server *other = both[1 - side];
            struct model_row *known = model_find(both[side], other->rows[0].id);
            if (known == NULL)
                known = add_row(both[side], other->rows[0].id, other->ip);
            hear(both[side], known, other);
        }
    }
}

static void hear_all(struct model_server *here)
{
    for (size_t r = 1; r < here->count; r++) {
        struct model_row *row = &here->rows[r];
        if (row->handshake)
            continue;
        const struct model_server *there = at_ip(row->ip);
        bool itself = there != NULL && strcmp(there->rows[0].id, row->id) == 0;
        for (size_t i = 0; !itself && i < pods();
             i++) { /* its own pings come from its new address */
            struct model_server *other = &model[i];
            const struct model_row *me = model_find(other, here->rows[0].id);
            if (other->up && strcmp(other->rows[0].id, row->id) == 0 && me != NULL &&
                strcmp(me->ip, here->ip) == 0) {
                there = other;
                itself = true;
            }
        }
        row->failed = !itself;
        if (itself)
            hear(here, row, there);
    }
}

static void follow(struct model_server *server)
{
    const struct model_server *master = at_ip(server->master_host);
    server->link_up = !server->rows[0].master && master != NULL && master->rows[0].master &&
                      strcmp(master->rows[0].id, server->rows[0].master_id) == 0;
    if (!server->link_up)
        return;
    server->keys = master->keys;
    server->offset = master->offset;
    memcpy(server->replid, master->replid, sizeof(server->replid));
}

void model_gossip(void)
{
    for (size_t i = 0; i < pods(); i++)
        if (model[i].up)
            shake_hands(&model[i]);
    for (size_t i = 0; i < pods(); i++) {
        if (model[i].up)
            hear_all(&model[i]);
        for (size_t b = 0; b < 8; b++)
            model[i].ban_rounds[b] -= model[i].ban_rounds[b] > 0;
    }
    for (size_t i = 0; i < pods(); i++)
        if (model[i].up)
            follow(&model[i]);
}

/* --- looks and steps --- */

void model_show(uint64_t hidden)
{
    for (size_t i = 0; i < pods(); i++)
        if (model[i].up && (i >= 64 || (hidden >> i & 1) == 0))
            model_say((int)i);
        else
            world_silence((int)i);
}

void model_record_births(void)
{
    for (size_t i = 0; world.plan.reason == FORM_GIVES_BIRTH && i < pods(); i++)
        memcpy(world_pod((int)i)->expected_id, world_pod((int)i)->id, REDIS_ID_LEN + 1);
}

void model_do(size_t count)
{
    model_record_births();
    for (size_t i = 0; i < count; i++)
        model_take(&world.plan.steps[i]);
}

int model_converge(void)
{
    for (int look = 1; look <= LOOKS_MAX; look++) {
        model_show(0);
        const struct form_plan *plan = world_decide();
        if (plan->verdict == FORM_CONVERGED)
            return look;
        if (plan->verdict == FORM_REFUSE && plan->count == 0)
            return -1;
        model_do(plan->count);
        model_gossip();
    }
    return -1;
}
