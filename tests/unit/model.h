#ifndef TESTS_UNIT_MODEL_H
#define TESTS_UNIT_MODEL_H

#include "tests/unit/world.h"

/*
 * Redis Cluster in small: servers with tables, the commands that a plan has, and gossip by rounds. As far as
 * forming and repairing need it (redis 7.0 cluster.c); what it refuses a server would refuse. Steps and
 * rounds can be mixed at will, so that a run may be cut anywhere.
 */

#define MODEL_ROWS 160
#define MODEL_KEYS 10 /* that each shard has */

struct model_row {
    char id[REDIS_ID_LEN + 1];
    char ip[16];
    bool handshake; /* met, not heard yet: its id is not known */
    bool failed;
    bool master;
    char master_id[REDIS_ID_LEN + 1];
    uint64_t epoch;
    bool heard;
};

struct model_server {
    bool up;
    int ordinal;
    char ip[16];                       /* where it listens */
    struct model_row rows[MODEL_ROWS]; /* the first is its own */
    size_t count;
    int16_t owner[REDIS_SLOTS]; /* index of a row, -1 */
    char banned[8][REDIS_ID_LEN + 1];
    int ban_rounds[8];
    int keys;
    int offset;
    char replid[REDIS_ID_LEN + 1];
    char master_host[16];
    bool link_up;
};

extern struct model_server model[WORLD_PODS];
extern int model_refusals; /* commands that a server would have refused */

/* world.wish.replicas servers that nobody has touched, each of its own random id. */
void model_newborn(void);
/* As `ordain init` starts them: the birth's ids, everybody known, slots and masters there. */
void model_seeded(void);
/* Begins with a seeded cluster that is converged. */
void model_settle(int replicas, int masters);
/* Converged, nobody else is known, and every server has its shard's keys. */
void model_expect_whole(void);
/* Pod ORDINAL's volume is lost: it starts anew with one row and its new id. */
void model_lose_volume(int ordinal);
/* It starts anew at another address, which its name gives from now on. */
void model_move(int ordinal, const char *ip);

/* One step as its server would take it. */
void model_take(const struct form_step *step);
/* What form does before it gives birth: the register learns the servers' ids. */
void model_record_births(void);
/* The first COUNT steps of the plan. */
void model_do(size_t count);
/* Everybody hears everybody once. */
void model_gossip(void);
/* What the pods say; those that are down or whose bit in HIDDEN is set are silent. */
void model_show(uint64_t hidden);
/* Looks, decides and acts until nothing is left to do; the number of looks, -1: never. */
int model_converge(void);

/* Pod ORDINAL answers (world_say). */
void model_say(int ordinal);

uint64_t model_highest_epoch(const struct model_server *server);
struct model_row *model_find(struct model_server *server, const char *id);

#endif
