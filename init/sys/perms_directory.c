#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/sys/perms_walk.h"

#define NAMES_MAX ((size_t)128 << 20) /* directory names that wait, of the whole walk */

/* ---- reading a directory */

static bool keep_name(struct perms_walk *walk, struct perms_frame *frame, const char *name,
                      struct err *err)
{
    size_t length = strlen(name) + 1;
    if (frame->names_size - frame->names_length < length) {
        size_t size = frame->names_size < 512 ? 1024 : frame->names_size * 2;
        size_t more = size - frame->names_size;
        char *names = NULL;
        if (atomic_fetch_add(&walk->names_size, more) + more <= NAMES_MAX)
            names = realloc(frame->names, size);
        if (names == NULL) {
            char path[256];
            atomic_fetch_sub(&walk->names_size, more);
            perms_path(path, sizeof path, frame, NULL);
            return err_set(err, ERR_IO, "'%s' has more directories than memory holds names of",
                           path);
        }
        frame->names = names;
        frame->names_size = size;
    }
    memcpy(frame->names + frame->names_length, name, length);
    frame->names_length += length;
    return true;
}

/* mke2fs makes it at the top of ext2 to 4, for fsck alone. */
static bool is_lost_and_found(const struct perms_frame *frame, const char *name)
{
    struct perms_entry entry;
    return frame->parent == NULL && strcmp(name, "lost+found") == 0 &&
           perms_look(frame->fd, name, &entry) == 0 && S_ISDIR(entry.mode) && entry.uid == 0;
}

/*
 * A look costs a sixth of a change, and on a volume that is wholly wrong it tells nothing. So in
 * a directory that is wrong itself, after UNSEEN_FROM wrong files in a row, most are changed
 * without: the first LOOKS_FIRST of each directory and then one in LOOK_EACH are looked at
 * still, and the first that is right ends it. A run that was killed left its right files in
 * front of the wrong ones.
 */
#define UNSEEN_FROM 1024
#define LOOKS_FIRST 8
#define LOOK_EACH 16

static bool may_go_unseen(const struct perms_worker *worker, const struct perms_frame *frame,
                          unsigned char type)
{
    const struct perms_job *job = worker->walk->job;
    return worker->given_in_a_row >= UNSEEN_FROM && worker->given_in_a_row % LOOK_EACH != 0 &&
           frame->looks >= LOOKS_FIRST && job->unseen_allowed &&
           (type == DT_REG || type == DT_LNK) && !perms_is_right(job, &frame->entry);
}

/* Not known to be a directory. */
static enum perms_outcome take_file(struct perms_worker *worker, struct perms_frame *frame,
                                    struct perms_name entry, struct err *err)
{
    const struct perms_job *job = worker->walk->job;
    if (may_go_unseen(worker, frame, entry.type) &&
        perms_give_unseen(job, frame, entry.name, &worker->report)) {
        worker->given_in_a_row++;
        return PERMS_DONE;
    }
    uint64_t before = worker->report.changed;
    enum perms_outcome outcome = perms_mend_file(job, frame, entry.name, &worker->report, err);
    frame->looks++;
    worker->given_in_a_row = worker->report.changed > before ? worker->given_in_a_row + 1 : 0;
    return outcome;
}

static bool take_entry(struct perms_worker *worker, struct perms_frame *frame,
                       struct perms_name entry, struct err *err)
{
    if (strcmp(entry.name, ".") == 0 || strcmp(entry.name, "..") == 0)
        return true;
    if (is_lost_and_found(frame, entry.name)) {
        worker->report.skipped++;
        return true;
    }
    if (entry.type != DT_DIR) {
        enum perms_outcome outcome = take_file(worker, frame, entry, err);
        if (outcome != PERMS_IS_DIRECTORY)
            return outcome == PERMS_DONE;
    }
    return keep_name(worker->walk, frame, entry.name, err);
}

bool perms_read_directory(struct perms_worker *worker, struct perms_frame *frame, struct err *err)
{
    struct perms_walk *walk = worker->walk;
    for (;;) {
        long filled = perms_read(frame->fd, worker->buffer, PERMS_BUFFER_SIZE);
        if (filled == 0 || filled == -ENOENT || filled == -ESTALE)
            return true; /* removed meanwhile */
        if (filled < 0) {
            char path[256];
            perms_path(path, sizeof path, frame, NULL);
            return perms_explain(err, (int)-filled, "read", path, walk->job->policy, NULL);
        }
        uint64_t before = worker->report.scanned;
        for (size_t at = 0; at < (size_t)filled;)
            if (!take_entry(worker, frame, perms_next(worker->buffer, &at), err))
                return false;
        atomic_fetch_add(&walk->scanned, worker->report.scanned - before);
        if (worker == walk->workers)
            progress_update(&walk->progress, atomic_load(&walk->scanned));
        if (atomic_load(&walk->stop))
            return true;
    }
}

/* ---- going down */

static int open_directory(struct perms_worker *worker, int dir_fd, const char *name)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    if (!worker->with_atime) {
        int fd = openat(dir_fd, name, flags | O_NOATIME);
        if (fd >= 0 || errno != EPERM)
            return fd >= 0 ? fd : -errno;
        worker->with_atime = true;
    }
    int fd = openat(dir_fd, name, flags);
    return fd >= 0 ? fd : -errno;
}

/* NAME cannot be opened: whether that matters. */
static bool settle_closed(struct perms_worker *worker, const struct perms_frame *parent,
                          const char *name, int number, struct err *err)
{
    const struct perms_job *job = worker->walk->job;
    struct perms_entry entry;
    char path[256];
    if (number == ENOENT || number == ESTALE)
        return true; /* gone: a live volume */
    perms_path(path, sizeof path, parent, name);
    if (number == ENOTDIR || number == ELOOP) {
        enum perms_outcome outcome = perms_mend_file(job, parent, name, &worker->report, err);
        return outcome == PERMS_IS_DIRECTORY
                   ? err_set(err, ERR_LATER, "'%s' was replaced while it was looked at", path)
                   : outcome == PERMS_DONE;
    }
    bool seen = perms_look(parent->fd, name, &entry) == 0;
    if (number == EACCES && seen && perms_is_foreign(job, &entry)) {
        worker->report.scanned++;
        worker->report.skipped++;
        return true;
    }
    if (number == EACCES && job->policy->check) {
        worker->report.scanned++;
        perms_note_wrong(&worker->report, parent, name);
        return true;
    }
    return perms_explain(err, number, "read", path, job->policy, seen ? &entry : NULL);
}

void perms_push(struct perms_worker *worker, struct perms_frame *frame)
{
    struct perms_frame *top = worker->top;
    (void)pthread_mutex_lock(&worker->walk->lock);
    frame->below = top;
    frame->height = top != NULL ? top->height + 1 : 0;
    if (top == NULL) {
        worker->bottom = frame;
    } else {
        top->above = frame;
        if (top->height < PERMS_HELD && top->names_taken < top->names_length)
            (void)pthread_cond_broadcast(&worker->walk->changed); /* it has names to lend now */
    }
    worker->top = frame;
    (void)pthread_mutex_unlock(&worker->walk->lock);
}

bool perms_descend(struct perms_worker *worker, struct perms_frame *parent, const char *name,
                   bool *entered, struct err *err)
{
    const struct perms_job *job = worker->walk->job;
    *entered = false;
    int fd = open_directory(worker, parent->fd, name);
    if (fd < 0)
        return settle_closed(worker, parent, name, -fd, err);
    struct perms_entry entry;
    int number = perms_look(fd, "", &entry);
    struct perms_frame *frame = number == 0 ? calloc(1, sizeof *frame) : NULL;
    if (frame == NULL) {
        char path[256];
        (void)close(fd);
        perms_path(path, sizeof path, parent, name);
        return perms_explain(err, number != 0 ? number : ENOMEM, "look at", path, job->policy,
                             NULL);
    }
    worker->report.scanned++;
    if (perms_is_foreign(job, &entry)) {
        worker->report.skipped++;
        (void)close(fd);
        free(frame);
        return true;
    }
    worker->report.closed += (entry.mode & S_IRWXU) != S_IRWXU;
    *frame = (struct perms_frame){.parent = parent, .name = name, .fd = fd, .entry = entry};
    if (parent == worker->top && parent->height >= PERMS_HELD) {
        (void)close(parent->fd);
        parent->fd = -1;
    }
    perms_push(worker, frame);
    *entered = true;
    return perms_read_directory(worker, frame, err);
}

bool perms_open_again(struct perms_worker *worker, const struct perms_frame *child, struct err *err)
{
    struct perms_frame *parent = child->parent;
    struct perms_entry entry = {0};
    int fd = open_directory(worker, child->fd, "..");
    int number = fd < 0 ? -fd : perms_look(fd, "", &entry);
    if (number == 0 && (entry.dev != parent->entry.dev || entry.ino != parent->entry.ino ||
                        entry.mount != parent->entry.mount))
        number = ENOENT;
    if (number == 0) {
        parent->fd = fd;
        return true;
    }
    if (fd >= 0)
        (void)close(fd);
    char path[256];
    perms_path(path, sizeof path, child, NULL);
    return number == ENOENT || number == ESTALE
               ? err_set(err, ERR_LATER, "'%s' was moved or removed while it was walked", path)
               : perms_explain(err, number, "leave", path, worker->walk->job->policy, NULL);
}
