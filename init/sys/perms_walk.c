#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init/sys/perms_walk.h"

#define HELP_FROM 1024 /* entries; a smaller volume is done before a thread has started */

static bool worker_fail(struct perms_worker *worker, const struct err *err)
{
    struct perms_walk *walk = worker->walk;
    (void)pthread_mutex_lock(&walk->lock);
    if (!walk->failed) {
        walk->failed = true;
        walk->err = *err;
    }
    atomic_store(&walk->stop, true);
    (void)pthread_cond_broadcast(&walk->changed);
    (void)pthread_mutex_unlock(&walk->lock);
    return false;
}

static void frame_free(struct perms_walk *walk, struct perms_frame *frame)
{
    if (frame->fd >= 0)
        (void)close(frame->fd);
    atomic_fetch_sub(&walk->names_size, frame->names_size);
    free(frame->names);
    free(frame);
}

/* All below TOP is right: mends it too, unless it is the root, and takes it off the stack. */
static bool finish(struct perms_worker *worker, struct perms_frame *top, struct err *err)
{
    struct perms_walk *walk = worker->walk;
    struct perms_frame *parent = top->parent;
    if (parent != NULL && parent == top->below && parent->fd < 0 &&
        !perms_open_again(worker, top, err))
        return false;
    if (parent != NULL && !perms_mend_directory(walk->job, top, &worker->report, err))
        return false;
    (void)pthread_mutex_lock(&walk->lock);
    worker->top = top->below;
    if (top->below != NULL)
        top->below->above = NULL;
    else
        worker->bottom = NULL;
    if (parent != NULL && parent != top->below) {
        parent->lent--;
        (void)pthread_cond_broadcast(&walk->changed);
    }
    (void)pthread_mutex_unlock(&walk->lock);
    if (parent != NULL)
        frame_free(walk, top);
    return true;
}

/* ---- workers */

/* With the lock held. NULL: none left. */
static const char *take_name(struct perms_frame *frame)
{
    if (frame->names_taken >= frame->names_length)
        return NULL;
    const char *name = frame->names + frame->names_taken;
    frame->names_taken += strlen(name) + 1;
    return name;
}

/* With the lock held: a directory of another worker that has names and stays open, nearest to the
 * root. The one on top is still being read or next in turn there: its names are not settled. */
static struct perms_frame *find_lender(const struct perms_worker *worker)
{
    struct perms_walk *walk = worker->walk;
    for (int i = 0; i < walk->started; i++) {
        if (&walk->workers[i] == worker)
            continue;
        struct perms_frame *frame = walk->workers[i].bottom;
        for (; frame != NULL && frame->above != NULL && frame->height < PERMS_HELD;
             frame = frame->above)
            if (frame->names_taken < frame->names_length)
                return frame;
    }
    return NULL;
}

static void *worker_run(void *argument);

/* Threads that do not start are done without. */
static void call_help(struct perms_worker *worker)
{
    struct perms_walk *walk = worker->walk;
    if (worker != walk->workers || walk->started >= walk->worker_count ||
        worker->report.scanned < HELP_FROM)
        return;
    for (int i = walk->started; i < walk->worker_count; i++) {
        struct perms_worker *helper = &walk->workers[i];
        helper->walk = walk;
        helper->buffer = malloc(PERMS_BUFFER_SIZE);
        (void)pthread_mutex_lock(&walk->lock);
        bool runs = helper->buffer != NULL &&
                    pthread_create(&helper->thread, NULL, worker_run, helper) == 0;
        walk->started += runs;
        (void)pthread_mutex_unlock(&walk->lock);
        if (!runs) {
            free(helper->buffer);
            walk->worker_count = i;
        }
    }
}

enum turn { TURN_DOWN, TURN_LENT, TURN_UP, TURN_OVER };

/* What WORKER does next; waits where others have to come first. */
static enum turn next_turn(struct perms_worker *worker, struct perms_frame **from,
                           const char **name)
{
    struct perms_walk *walk = worker->walk;
    enum turn turn = TURN_OVER;
    (void)pthread_mutex_lock(&walk->lock);
    while (!walk->over && !walk->failed) {
        struct perms_frame *top = worker->top;
        *from = top;
        if (top != NULL && (*name = take_name(top)) != NULL) {
            turn = TURN_DOWN;
            break;
        }
        if (top != NULL && top->lent == 0) {
            turn = TURN_UP;
            break;
        }
        *from = find_lender(worker);
        if (*from != NULL) {
            *name = take_name(*from);
            (*from)->lent++;
            turn = TURN_LENT;
            break;
        }
        if (worker == walk->workers && top == NULL) {
            walk->over = true; /* the root was finished */
            (void)pthread_cond_broadcast(&walk->changed);
            break;
        }
        (void)pthread_cond_wait(&walk->changed, &walk->lock);
    }
    (void)pthread_mutex_unlock(&walk->lock);
    return turn;
}

static void give_back(struct perms_walk *walk, struct perms_frame *lender)
{
    (void)pthread_mutex_lock(&walk->lock);
    lender->lent--;
    (void)pthread_cond_broadcast(&walk->changed);
    (void)pthread_mutex_unlock(&walk->lock);
}

static void *worker_run(void *argument)
{
    struct perms_worker *worker = argument;
    struct perms_frame *from = NULL;
    const char *name = NULL;
    struct err err = {0};
    for (;;) {
        bool ok = true;
        bool entered = false;
        enum turn turn = next_turn(worker, &from, &name);
        if (turn == TURN_OVER)
            return NULL;
        if (turn == TURN_UP) {
            ok = finish(worker, from, &err);
        } else {
            ok = perms_descend(worker, from, name, &entered, &err);
            if (turn == TURN_LENT && !entered)
                give_back(worker->walk, from);
        }
        if (!ok) {
            (void)worker_fail(worker, &err);
            return NULL;
        }
        call_help(worker);
    }
}

/* ---- the whole */

static void add_report(struct perms_report *sum, const struct perms_report *part)
{
    sum->scanned += part->scanned;
    sum->changed += part->changed;
    sum->wrong += part->wrong;
    sum->skipped += part->skipped;
    sum->closed += part->closed;
    if (sum->first_wrong[0] == '\0')
        memcpy(sum->first_wrong, part->first_wrong, sizeof sum->first_wrong);
}

/* Joins the others; frees what a failure left on the stacks. */
static void walk_end(struct perms_walk *walk, struct perms_frame *root, struct perms_report *report)
{
    for (int i = 1; i < walk->started; i++)
        (void)pthread_join(walk->workers[i].thread, NULL);
    for (int i = 0; i < walk->started; i++) {
        struct perms_worker *worker = &walk->workers[i];
        for (struct perms_frame *frame = worker->top; frame != NULL;) {
            struct perms_frame *below = frame->below;
            if (frame != root)
                frame_free(walk, frame);
            frame = below;
        }
        add_report(report, &worker->report);
        free(worker->buffer);
    }
    free(root->names);
    root->names = NULL;
    (void)pthread_cond_destroy(&walk->changed);
    (void)pthread_mutex_destroy(&walk->lock);
    progress_end();
}

bool perms_walk(const struct perms_job *job, struct perms_frame *root, struct perms_report *report,
                struct err *err)
{
    struct perms_walk walk = {.job = job, .started = 1};
    char what[300] = "permissions of ";
    struct perms_worker *first = &walk.workers[0];
    int threads = job->policy->threads > 0 ? job->policy->threads : perms_threads();
    walk.worker_count = threads < PERMS_WORKERS_MAX ? threads : PERMS_WORKERS_MAX;
    (void)pthread_mutex_init(&walk.lock, NULL);
    (void)pthread_cond_init(&walk.changed, NULL);
    perms_path(what + strlen(what), sizeof what - strlen(what), root, NULL);
    walk.progress = progress_start(what, 0, PROGRESS_ITEMS);
    first->walk = &walk;
    first->buffer = malloc(PERMS_BUFFER_SIZE);
    perms_push(first, root);
    struct err failure;
    if (first->buffer == NULL) {
        (void)err_errno(&failure, ENOMEM, "cannot walk '%s'", what);
        (void)worker_fail(first, &failure);
    } else if (!perms_read_directory(first, root, &failure)) {
        (void)worker_fail(first, &failure);
    } else {
        call_help(first);
        (void)worker_run(first);
    }
    walk_end(&walk, root, report);
    if (walk.failed) {
        *err = walk.err;
        return false;
    }
    return true;
}
