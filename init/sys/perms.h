#ifndef INIT_SYS_PERMS_H
#define INIT_SYS_PERMS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "init/sys/buf.h"
#include "init/sys/err.h"

/* Ownership and modes of a volume, mended children first and the root last, so that a killed run
 * starts over and a right root proves the whole (kubelet's order for fsGroup). */

enum perms_hardlinks { PERMS_HARDLINKS_FIX, PERMS_HARDLINKS_SKIP, PERMS_HARDLINKS_FAIL };

struct perms_policy {
    uid_t uid;
    gid_t gid;
    mode_t root_mode; /* exact mode of the root; 0: only its owner's rwx is made sure of */
    mode_t root_mode_also; /* a second mode of the root that is right as well; 0: none */
    bool always;       /* walk although the root is right */
    bool check;        /* change nothing; count what is wrong */
    bool cross_mounts;
    enum perms_hardlinks hardlinks;
    int threads; /* 0: by the processors and cgroup quota, 2 at most */
};

struct perms_report {
    uint64_t scanned, changed, wrong, skipped; /* entries; wrong only with check */
    bool root_was_right;                       /* ended after the O(1) look at the root */
    char first_wrong[256];                     /* escaped path of one wrong entry, "" */
};

/* Presets: redis (uid and gid of the data directory's owner unless told) and postgres (PGDATA itself
 * back to 0700, or 0750 if it was, setgid off; modes below PGDATA are never touched). */
bool perms_apply(const char *path, const struct perms_policy *policy, struct perms_report *report,
                 struct err *err);

/* The securityContext and fsGroup lines (YAML) that would mend what a check found, for a process that
 * may not change owners. */
void perms_advice(const struct perms_policy *policy, struct buf *out);

#endif
