#ifndef INIT_SYS_PERMS_INTERNAL_H
#define INIT_SYS_PERMS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/sys/err.h"
#include "init/sys/perms.h"

/* Between the files of perms; nobody else includes this. */

/* ---- perms_kernel.c: system calls that not every libc wraps */

/* One look at an entry. */
struct perms_entry {
    uint64_t dev, ino;
    uint64_t
        mount; /* unique among the mounts of now; 0 where the kernel does not tell (before 5.8) */
    uint32_t uid, gid, nlink;
    uint16_t mode;  /* type and permission bits */
    bool immutable; /* chattr +i or +a */
};

/* Looks at NAME below DIR_FD, or at DIR_FD itself where NAME is ""; never follows a link. Returns 0
 * or the errno value. */
int perms_look(int dir_fd, const char *name, struct perms_entry *entry);

/* The next entries of a directory into a buffer of SIZE bytes (aligned as malloc does); the bytes
 * filled, 0 at the end, or minus the errno value. */
long perms_read(int fd, void *buffer, size_t size);

struct perms_name {
    const char *name;   /* "." and ".." included */
    unsigned char type; /* DT_DIR and so on */
};
/* The entry at *AT of what perms_read filled; moves *AT to the next. */
struct perms_name perms_next(const char *buffer, size_t *at);

/* Opens the directory PATH (absolute, no ".." in it) with O_PATH, without passing a symbolic link:
 * by openat2, or name by name where the kernel or its seccomp filter has none. Returns the
 * descriptor or minus the errno value (ELOOP or ENOTDIR for a link). */
int perms_open_path(const char *path);
/* The name by name way alone. */
int perms_open_by_names(const char *path);

/* ---- perms_mounts.c */

struct perms_mounts {
    bool part;   /* of a file system, not the whole, is mounted here: hostPath, emptyDir, subPath */
    bool shared; /* another mount outside PATH is of the same file system */
    bool same_below; /* so is one below PATH */
    bool below;      /* something is mounted below PATH */
    char other[128]; /* where (escaped) */
};

/* What MOUNTINFO (the text of /proc/self/mountinfo) says about the mount with number MOUNT (0: the
 * one that PATH lies in) and PATH. False when that mount is not in it. */
bool perms_mounts_parse(const char *mountinfo, uint64_t mount, const char *path,
                        struct perms_mounts *mounts);
/* The same of the running process; where it cannot be known, shared and same_below. */
void perms_mounts_observe(uint64_t mount, const char *path, struct perms_mounts *mounts);

/* ---- perms_threads.c */

/* Workers that are worth having: 2 when this process may use two processors at once (affinity
 * and cgroup quota) and one beside its own is idle now, else 1: two that share a processor wait
 * for each other in the file system's journal. */
int perms_threads(void);
/* What the text of /proc/loadavg ("0.20 0.18 0.12 1/80 11206": running now) says, this process
 * counted; true where it says nothing. */
bool perms_is_processor_free(const char *loadavg, long processors);
/* Whole processors that the text of a cpu.max ("max 100000", "150000 100000") allows; a large
 * number where it sets no limit. */
int perms_quota_parse(const char *text);

/* ---- perms_entry.c: one entry */

/* A directory under walk. Parents outlive their children. */
struct perms_frame {
    struct perms_frame *parent; /* NULL: the root */
    struct perms_frame *below;  /* the next on its worker's stack */
    struct perms_frame *above;
    const char *name; /* in parent; of the root: its path */
    int fd;           /* -1: closed for now */
    int height;       /* on its worker's stack */
    struct perms_entry entry;
    char *names; /* the directories in it, a NUL after each */
    size_t names_length, names_size;
    unsigned looks;     /* at what is in it */
    size_t names_taken; /* bytes of names that somebody walks or has walked */
    unsigned lent;      /* of them, those that another worker walks now */
};

/* What does not change during a walk. */
struct perms_job {
    const struct perms_policy *policy;
    struct perms_entry root;
    enum perms_hardlinks hardlinks; /* AUTO settled */
    bool pinned; /* a wrong file is held by a descriptor before it is changed, so that no other can
                    take its place: the volume shares its file system */
    bool unseen_allowed; /* nothing is mounted below and hard links need no look */
    char outside[128];   /* where files of the same file system may be, for people */
};

bool perms_is_right(const struct perms_job *job, const struct perms_entry *entry);
/* On a mount that is not the volume's own. */
bool perms_is_foreign(const struct perms_job *job, const struct perms_entry *entry);
void perms_note_wrong(struct perms_report *report, const struct perms_frame *frame,
                      const char *name);

enum perms_outcome { PERMS_DONE, PERMS_IS_DIRECTORY, PERMS_FAILED };
/* Mends NAME in FRAME, which is no directory (else it says so and does nothing). */
enum perms_outcome perms_mend_file(const struct perms_job *job, const struct perms_frame *frame,
                                   const char *name, struct perms_report *report, struct err *err);
/* Gives NAME in FRAME away without a look at it; false where that failed: a look will tell. */
bool perms_give_unseen(const struct perms_job *job, const struct perms_frame *frame,
                       const char *name, struct perms_report *report);
/* Mends the directory that FRAME holds open. */
bool perms_mend_directory(const struct perms_job *job, const struct perms_frame *frame,
                          struct perms_report *report, struct err *err);

/* Path of NAME in FRAME (NAME NULL: of FRAME), escaped; its front is cut where it is long. */
void perms_path(char *out, size_t size, const struct perms_frame *frame, const char *name);

/* ---- perms_advice.c */

/* The sentence for the failed try (VERB "give", "read", "change the mode of") on the entry at PATH.
 */
bool perms_explain(struct err *err, int number, const char *verb, const char *path,
                   const struct perms_policy *policy, const struct perms_entry *entry);

/* ---- perms_walk.c */

/* Walks what ROOT holds open; all below it is right at the end. ROOT itself is left to the caller.
 */
bool perms_walk(const struct perms_job *job, struct perms_frame *root, struct perms_report *report,
                struct err *err);

#endif
