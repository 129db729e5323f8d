#ifndef ROLES_REDIS_FORM_STEPS_H
#define ROLES_REDIS_FORM_STEPS_H

#include "roles/redis_form.h"

/* What redis_form.c (birth, verdict), redis_form_repair.c (a living cluster), redis_form_slots.c and
 * redis_form_lost.c share. */

/* A new step; when the array is full the last one is given again, and the next round goes on. */
struct form_step *form_add(struct form_plan *plan, enum form_step_kind kind, int member);

/* MEMBER (-1: none) answered and is of this cluster. */
bool form_is_ours(const struct cluster_picture *picture, int member);

/* No pod is silent: nothing can have happened unseen. */
bool form_everybody_answered(const struct cluster_picture *picture);

/* The member that a person names (--promote-replica), where it answers and is of this cluster; -1. */
int form_chosen(const struct cluster_picture *picture, const struct form_wish *wish);

/* True when every server of ours has a row, not in handshake, of every other. */
bool form_everybody_knows(const struct cluster_picture *picture);

/* Steps that take node ID out of every table of ours. */
void form_forget_everywhere(const struct cluster_picture *picture, struct form_plan *plan,
                            const char *id);

/* What the lost owners of slots ask for; FORM_CONVERGED: there are none. */
struct form_lost {
    enum form_verdict verdict;
    enum form_reason reason;
    int about; /* index of a member, -1 */
};
/* Decides about each, adds the steps to PLAN and answers the worst verdict. */
struct form_lost form_decide_lost(const struct cluster_picture *picture,
                                  const struct form_wish *wish, struct form_plan *plan);

/* redis_form_slots.c: steps that give slots without an owner to whom the masters' majority names, or to
 * whom a person does. */
void form_deal_unowned(const struct cluster_picture *picture, const struct form_wish *wish,
                       struct form_plan *plan);
/* Slots that no server's table gives to anybody, and two servers that follow each other: only a person knows
 * which of them holds the keys. */
bool form_lacks_owner(const struct cluster_picture *picture);

/* True when a dead id is still in some server's table (its pod answers as another node, it owns no slot
 * and nobody replicates it), or one that may soon be: of a pod that was scaled in, which Redis flags as
 * failed within its node timeout only. */
bool form_has_dead(const struct cluster_picture *picture, const struct form_wish *wish);

/* The repair of a cluster that lives: one verdict with its steps. */
void form_decide_repair(const struct cluster_picture *picture, const struct form_wish *wish,
                        struct form_plan *plan);

#endif
