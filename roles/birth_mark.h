#ifndef ROLES_BIRTH_MARK_H
#define ROLES_BIRTH_MARK_H

#include <stdbool.h>
#include <stddef.h>

#include "roles/redis_table.h"

#define BIRTH_MARK_CLUSTER_MAX 512
#define BIRTH_MARK_TEXT_MAX 1024

/*
 * The file ordain.birth beside nodes.conf: which cluster and which birth this volume belongs to. Written
 * before the register and nodes.conf, so that a killed birth is known from a lost volume.
 *
 *   format=1
 *   state=seeding            or born
 *   cluster-id=default/redis
 *   spec=<sha256>            of the birth spec
 *   synced=<40 hex>          may be missing: the master that a ready replica was last in sync with
 *   id=<40 hex>              the node's id
 */
struct birth_mark {
    bool born; /* a server may have started on this volume */
    char cluster_id[BIRTH_MARK_CLUSTER_MAX];
    char spec[65];
    char id[REDIS_ID_LEN + 1];
    char synced[REDIS_ID_LEN + 1]; /* "": none */
};

enum birth_mark_status { BIRTH_MARK_OK, BIRTH_MARK_BAD, BIRTH_MARK_UNKNOWN_FORMAT };

/* Unknown keys are ignored, and so is a malformed `synced`; any other that is missing or malformed is
 * BIRTH_MARK_BAD. */
enum birth_mark_status birth_mark_parse(struct birth_mark *mark, const char *text, size_t len);

/* Writes MARK as text; returns its length. */
size_t birth_mark_write(const struct birth_mark *mark, char text[static BIRTH_MARK_TEXT_MAX]);

#endif
