#ifndef INIT_SYS_PERMS_H
#define INIT_SYS_PERMS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "init/sys/buf.h"
#include "init/sys/err.h"

/* Ownership and modes of a volume, mended children first and the root last, so that a killed run
 * starts over and a right root proves the whole (kubelet's order for fsGroup). docs/permissions.md
 * is the long answer. */

/* What is done to a file of several names (a socket, a FIFO too) whose owner is wrong: one of
 * the names may lie outside. AUTO fails where the volume shares its file system with another
 * mount outside the root or is itself a part of a file system (hostPath, emptyDir, subPath), and
 * mends elsewhere. */
enum perms_hardlinks {
    PERMS_HARDLINKS_AUTO,
    PERMS_HARDLINKS_FIX,
    PERMS_HARDLINKS_SKIP,
    PERMS_HARDLINKS_FAIL
};

struct perms_policy {
    uid_t uid;
    gid_t gid;
    mode_t root_mode;      /* exact mode of the root; 0: only its owner's rwx is made sure of */
    mode_t root_mode_also; /* a second mode of the root that is right as well; 0: none */
    bool root_only;        /* the root itself and nothing below */
    bool always;           /* walk although the root is right */
    bool check;            /* change nothing; count what is wrong */
    bool group_is_enough;  /* what group gid may read and write is right too: what fsGroup makes */
    bool cross_mounts;     /* what is mounted below the root belongs to the volume */
    enum perms_hardlinks hardlinks;
    int threads; /* 0: by the processors and cgroup quota, 2 at most */
};

struct perms_report {
    uint64_t scanned, changed; /* entries, the root counted */
    uint64_t wrong;            /* only with check */
    uint64_t skipped;          /* left alone: other mounts, lost+found, devices, hard links */
    uint64_t closed;           /* directories without rwx for their owner; their modes stay */
    bool root_was_right;       /* ended after the O(1) look at the root */
    char first_wrong[256];     /* escaped path of one wrong entry, "" */
};

/*
 * Gives PATH and all below it to the policy's owner. What is right is not written; only in a
 * directory that is wrong itself, behind a thousand wrong files in a row, may a right one be
 * written. Symbolic links are changed themselves and never followed, none may be in PATH.
 * Devices, what is mounted below and a lost+found of root's are left alone. Modes below PATH are
 * never touched. Kinds: ERR_USAGE for a PATH that belongs to the system; ERR_CONFIG: no such
 * directory, or a file system that ignores owners; ERR_REFUSED: a symbolic link in PATH, a hard
 * link; ERR_DENIED with what mends it; ERR_IO: disk, quota, read-only; ERR_LATER: the tree was
 * changed under the walk. REPORT is filled on failure too, as far as it went.
 */
bool perms_apply(const char *path, const struct perms_policy *policy, struct perms_report *report,
                 struct err *err);

/* The securityContext lines (YAML) that would mend what a check found: fsGroup for a pod that may
 * not change owners, the capabilities for an init container that may. */
void perms_advice(const struct perms_policy *policy, struct buf *out);

/* TEXT in printable ASCII: other bytes as \xNN, the backslash doubled. What does not fit is cut at
 * its front, which "..." tells. */
void perms_escape(char *out, size_t size, const char *text);

#endif
