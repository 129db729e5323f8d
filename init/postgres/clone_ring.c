#include "init/postgres/clone_ring.h"

#include <string.h>
#include <time.h>

#include "init/sys/clock.h"

#define WORTH_WAKING 8

bool clone_ring_open(struct clone_ring *ring)
{
    memset(ring, 0, sizeof(*ring));
    pthread_condattr_t attributes;
    bool done = pthread_mutex_init(&ring->lock, NULL) == 0 &&
                pthread_condattr_init(&attributes) == 0 &&
                pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&ring->changed, &attributes) == 0;
    if (done)
        (void)pthread_condattr_destroy(&attributes);
    return done;
}

void clone_ring_close(struct clone_ring *ring)
{
    for (; ring->count > 0; ring->count--) {
        pg_stream_free(ring->slots[ring->first].data);
        ring->first = (ring->first + 1) % CLONE_RING_SLOTS;
    }
    (void)pthread_cond_destroy(&ring->changed);
    (void)pthread_mutex_destroy(&ring->lock);
}

/* A message larger than the cap (no server sends one) goes through alone. */
static bool has_room(const struct clone_ring *ring, size_t len)
{
    return ring->count == 0 ||
           (ring->count < CLONE_RING_SLOTS && ring->bytes + len <= CLONE_RING_BYTES);
}

enum clone_ring_state clone_ring_put(struct clone_ring *ring, struct pg_piece piece,
                                     int64_t deadline_ns)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / CLOCK_S),
                             .tv_nsec = (long)(deadline_ns % CLOCK_S)};
    bool in_time = true;
    (void)pthread_mutex_lock(&ring->lock);
    while (in_time && !ring->stopped && !has_room(ring, piece.len)) {
        if (!ring->full && ring->count < WORTH_WAKING) /* few and large */
            (void)pthread_cond_signal(&ring->changed);
        ring->full = true;
        in_time = pthread_cond_timedwait(&ring->changed, &ring->lock, &until) == 0;
    }
    enum clone_ring_state state = CLONE_RING_DONE;
    if (ring->stopped) {
        state = CLONE_RING_STOPPED;
    } else if (!has_room(ring, piece.len)) {
        state = CLONE_RING_LATE;
    } else {
        ring->slots[(ring->first + ring->count) % CLONE_RING_SLOTS] = piece;
        ring->count++;
        ring->bytes += piece.len;
        if (ring->count == WORTH_WAKING) /* else nobody waits for it */
            (void)pthread_cond_signal(&ring->changed);
    }
    (void)pthread_mutex_unlock(&ring->lock);
    return state;
}

static void set(struct clone_ring *ring, bool *flag)
{
    (void)pthread_mutex_lock(&ring->lock);
    *flag = true;
    (void)pthread_cond_broadcast(&ring->changed);
    (void)pthread_mutex_unlock(&ring->lock);
}

void clone_ring_end(struct clone_ring *ring)
{
    set(ring, &ring->ended);
}

void clone_ring_stop(struct clone_ring *ring)
{
    set(ring, &ring->stopped);
}

bool clone_ring_is_stopped(struct clone_ring *ring)
{
    (void)pthread_mutex_lock(&ring->lock);
    bool stopped = ring->stopped;
    (void)pthread_mutex_unlock(&ring->lock);
    return stopped;
}

size_t clone_ring_take(struct clone_ring *ring, struct pg_piece *pieces, size_t max)
{
    size_t taken = 0;
    (void)pthread_mutex_lock(&ring->lock);
    while (!ring->ended && !ring->stopped && ring->count < WORTH_WAKING &&
           (!ring->full || ring->count == 0))
        (void)pthread_cond_wait(&ring->changed, &ring->lock);
    for (; !ring->stopped && ring->count > 0 && taken < max; taken++) {
        pieces[taken] = ring->slots[ring->first];
        ring->bytes -= pieces[taken].len;
        ring->first = (ring->first + 1) % CLONE_RING_SLOTS;
        ring->count--;
    }
    if (ring->full)
        (void)pthread_cond_signal(&ring->changed);
    ring->full = false;
    (void)pthread_mutex_unlock(&ring->lock);
    return taken;
}
