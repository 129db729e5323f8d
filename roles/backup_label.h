#ifndef ROLES_BACKUP_LABEL_H
#define ROLES_BACKUP_LABEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * PGDATA/backup_label: the data directory is a base backup that no server has recovered yet (the
 * server renames the file as it starts). Written by xlog.c of 13 and 14, xlogbackup.c
 * build_backup_content from 15 on; read by xlogrecovery.c read_backup_label.
 */
struct backup_label {
    uint64_t start;      /* START WAL LOCATION: recovery needs all WAL from here on */
    uint64_t checkpoint; /* CHECKPOINT LOCATION: the record that recovery starts with */
    uint32_t timeline;   /* of both */
    bool from_standby;   /* BACKUP FROM: standby; else primary ("master" in 13) */
};

/* False when TEXT is no label: recovery from it would fail or, worse, begin elsewhere. */
bool backup_label_parse(struct backup_label *label, const char *text, size_t len);

#endif
