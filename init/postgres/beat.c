#include "init/postgres/beat.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define BEAT_S 5

struct beat {
    const struct datadir *datadir;
    const char *suffix;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* over */
    bool over;
};

static void *run(void *data)
{
    struct beat *beat = data;
    (void)pthread_mutex_lock(&beat->lock);
    while (!beat->over) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += BEAT_S;
        while (!beat->over &&
               pthread_cond_timedwait(&beat->changed, &beat->lock, &until) != ETIMEDOUT) {
        }
        if (!beat->over)
            datadir_beat(beat->datadir, beat->suffix);
    }
    (void)pthread_mutex_unlock(&beat->lock);
    return NULL;
}

struct beat *beat_start(const struct datadir *datadir, const char *suffix)
{
    pthread_condattr_t monotonic;
    struct beat *beat = calloc(1, sizeof *beat);
    datadir_beat(datadir, suffix);
    if (beat == NULL)
        return NULL;
    beat->datadir = datadir;
    beat->suffix = suffix;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&beat->lock, NULL);
    (void)pthread_cond_init(&beat->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    if (pthread_create(&beat->thread, NULL, run, beat) == 0)
        return beat;
    (void)pthread_cond_destroy(&beat->changed);
    (void)pthread_mutex_destroy(&beat->lock);
    free(beat);
    return NULL;
}

void beat_stop(struct beat *beat)
{
    struct err ignored;
    if (beat == NULL)
        return;
    (void)pthread_mutex_lock(&beat->lock);
    beat->over = true;
    (void)pthread_cond_signal(&beat->changed);
    (void)pthread_mutex_unlock(&beat->lock);
    (void)pthread_join(beat->thread, NULL);
    (void)datadir_remove_mark(beat->datadir, beat->suffix, &ignored);
    (void)pthread_cond_destroy(&beat->changed);
    (void)pthread_mutex_destroy(&beat->lock);
    free(beat);
}
