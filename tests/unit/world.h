#ifndef TESTS_UNIT_WORLD_H
#define TESTS_UNIT_WORLD_H

#include "roles/redis_form.h"

/*
 * A look at a cluster made from texts: what each pod's server answers to CLUSTER NODES becomes the picture
 * that `form` decides on. In the texts "$3" is the id of pod 3 at its birth, "%3" the id that it has after
 * it lost its volume; pod 3 is redis-3 at 10.0.0.3.
 */

#define WORLD_PODS 72
#define WORLD_ROWS 160
#define WORLD_TEXT (1 << 16)

struct world {
    struct form_wish wish;
    struct cluster_picture picture;
    struct form_plan plan;
    bool adopt;
    int master_of[WORLD_PODS];
};

extern struct world world;

/* REPLICAS pods at birth, MASTERS of them masters; none has answered. */
void world_begin(int replicas, int masters);
/* A pod beyond the birth, that has not answered. */
void world_add_pod(void);
/* Pod ORDINAL answers with this table; CLUSTER INFO and INFO say what is usual for it: state ok, link up,
 * no keys. Returns its member, to say otherwise. */
struct cluster_member *world_say(int ordinal, const char *table);
void world_silence(int ordinal);
struct cluster_member *world_pod(int ordinal);

/* Draws and decides. Whatever the case: holds what every plan must hold (world.c, check_plan). */
const struct form_plan *world_decide(void);
/* The plan in words: "work promotes 4: promote 4; forget 0 $1". */
const char *world_plan(void);
/* True when the plan has a step of KIND. */
bool world_does(enum form_step_kind kind);

void world_birth_id(int ordinal, char id[static REDIS_ID_LEN + 1]);
void world_new_id(int ordinal, char id[static REDIS_ID_LEN + 1]);
/* "$3", "%3" or the first characters. */
void world_short_id(const char *id, char text[static 16]);

#endif
