#include "roles/redis_form_steps.h"

#include <string.h>

struct form_step *form_add(struct form_plan *plan, enum form_step_kind kind, int member)
{
    size_t index = plan->count < FORM_STEPS_MAX ? plan->count++ : FORM_STEPS_MAX - 1;
    struct form_step *step = &plan->steps[index];
    memset(step, 0, sizeof(*step));
    step->kind = kind;
    step->member = member;
    step->target = -1;
    return step;
}

bool form_everybody_knows(const struct cluster_picture *picture)
{
    for (size_t i = 0; i < picture->member_count; i++) {
        const struct cluster_member *member = &picture->members[i];
        for (size_t j = 0; j < picture->member_count; j++) {
            if (picture->claims[i] != CLAIM_OURS || picture->claims[j] != CLAIM_OURS || i == j)
                continue;
            int row = redis_table_find(&member->table, picture->members[j].id);
            if (row < 0 || (member->table.nodes[row].flags & REDIS_HANDSHAKE) != 0)
                return false;
        }
    }
    return true;
}

bool form_is_ours(const struct cluster_picture *picture, int member)
{
    return member >= 0 && picture->claims[member] == CLAIM_OURS;
}

int form_chosen(const struct cluster_picture *picture, const struct form_wish *wish)
{
    int member =
        wish->promote_ordinal < 0 ? -1 : cluster_picture_member(picture, wish->promote_ordinal);
    return form_is_ours(picture, member) ? member : -1;
}

bool form_everybody_answered(const struct cluster_picture *picture)
{
    /* A pod beyond the birth is a member only while its name exists: whoever knows it misses it. */
    for (size_t i = 0; i < picture->count; i++) {
        const struct cluster_node *node = &picture->nodes[i];
        if (!node->lost && node->ordinal >= 0 && !form_is_ours(picture, node->member))
            return false;
    }
    return picture->answered == picture->member_count;
}

void form_forget_everywhere(const struct cluster_picture *picture, struct form_plan *plan,
                            const char *id)
{
    for (size_t i = 0; i < picture->member_count; i++)
        if (picture->claims[i] == CLAIM_OURS &&
            redis_table_find(&picture->members[i].table, id) >= 0)
            memcpy(form_add(plan, FORM_FORGET, (int)i)->id, id, REDIS_ID_LEN + 1);
}
