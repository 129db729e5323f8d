#ifndef INIT_REDIS_STATUS_H
#define INIT_REDIS_STATUS_H

#include <stdbool.h>

#include "init/redis/form.h"
#include "init/sys/buf.h"

/* The cluster as a person and as a program want to see it, from one look. */

/* A line of the picture's table: a pod that answers, or a node that should. */
struct status_row {
    int shard;                           /* from 1, 0: none */
    const struct cluster_node *node;     /* NULL: a pod without a node */
    const struct cluster_member *member; /* NULL: it does not answer */
    char zone[64];
    int64_t behind_bytes; /* of a replica to its master, -1: not known */
};

struct status_rows {
    struct status_row *rows;
    size_t count;
    int shards;
};

/* The row's pod, -1 when it is not known. */
int status_ordinal(const struct status_row *row);

/* Sorted by shard, the master first. Freed by free(rows->rows). False for want of memory. */
bool status_collect(const struct form_look *look, struct status_rows *rows);

/* The picture: heading, slots as a bar, shards with masters and replicas, what is wrong and what mends
 * it. COLOR: for a terminal. */
void status_draw(const struct form_look *look, const struct status_rows *rows, bool color,
                 struct buf *out);

/* The same as JSON, {"version":1,...}. */
bool status_write_json(const struct form_look *look, const struct status_rows *rows,
                       struct buf *out);

/* What is wrong, one sentence each, by index; NULL past the last. Valid until the next call. */
const char *status_problem(const struct form_look *look, size_t index);

#endif
