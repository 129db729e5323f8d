#ifndef INIT_SYS_PERMS_WALK_H
#define INIT_SYS_PERMS_WALK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "init/sys/perms_internal.h"
#include "init/sys/progress.h"

/*
 * Depth first with a stack on the heap. A directory is read whole when it is entered: its files are
 * mended at once and the names of its directories kept; when the last of these is done, it is
 * mended itself. A worker without work takes a name from the directory nearest to the root that
 * another still has names in, and that directory waits for it.
 */

#define PERMS_WORKERS_MAX 8
#define PERMS_BUFFER_SIZE ((size_t)64 << 10)
/* Directories that a worker holds open: those next to the root. A deeper one is closed while those
 * in it are walked and opened again through "..". With two workers this is below an RLIMIT_NOFILE
 * of 64. */
#define PERMS_HELD 12

struct perms_worker {
    struct perms_walk *walk;
    struct perms_frame *top, *bottom;
    struct perms_report report;
    char *buffer;
    uint64_t given_in_a_row; /* files, none of which was right or anything else */
    bool with_atime;         /* this process may not leave access times alone */
    pthread_t thread;
};

struct perms_walk {
    const struct perms_job *job;
    struct perms_worker workers[PERMS_WORKERS_MAX];
    int worker_count, started; /* wanted, running */
    pthread_mutex_t
        lock; /* all below, and top, bottom, names_taken and lent of everybody's frames */
    pthread_cond_t changed;
    bool over;
    bool failed;
    struct err err; /* of the first that failed */
    atomic_bool stop;
    atomic_size_t names_size; /* bytes of all frames' names */
    atomic_ullong scanned;
    struct progress progress;
};

/* ---- perms_directory.c */

/* Mends the files of FRAME and keeps the names of its directories. */
bool perms_read_directory(struct perms_worker *worker, struct perms_frame *frame, struct err *err);

/* Enters NAME of PARENT, the worker's top or another worker's directory: a new frame on the stack,
 * read. *entered tells whether there is one: what is gone or on another mount is not entered. */
bool perms_descend(struct perms_worker *worker, struct perms_frame *parent, const char *name,
                   bool *entered, struct err *err);

/* Opens the parent of CHILD, which was closed: it is what ".." of its child names, unless somebody
 * moved one of them. */
bool perms_open_again(struct perms_worker *worker, const struct perms_frame *child,
                      struct err *err);

/* Puts FRAME on the worker's stack. */
void perms_push(struct perms_worker *worker, struct perms_frame *frame);

#endif
