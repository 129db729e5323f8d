#include "init/postgres/clone_ring.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "init/sys/clock.h"

/* A message lies behind its length such that what follows its first byte, which tells its kind from 15 on, is
 * aligned. */
#define ALIGNMENT 16
#define HEAD_BYTES (ALIGNMENT - 1)

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
    for (size_t i = 0; i < CLONE_CHUNKS; i++) {
        ring->chunks[i].bytes = aligned_alloc(ALIGNMENT, CLONE_CHUNK_BYTES);
        done = done && ring->chunks[i].bytes != NULL;
    }
    return done;
}

void clone_ring_close(struct clone_ring *ring)
{
    for (size_t i = 0; i < CLONE_CHUNKS; i++)
        free(ring->chunks[i].bytes);
    (void)pthread_cond_destroy(&ring->changed);
    (void)pthread_mutex_destroy(&ring->lock);
}

struct pg_piece clone_ring_room(struct clone_ring *ring)
{
    const struct clone_chunk *chunk = &ring->chunks[ring->filling];
    size_t at = chunk->used + HEAD_BYTES;
    return (struct pg_piece){.data = chunk->bytes + at, .size = CLONE_CHUNK_BYTES - at};
}

bool clone_ring_add(struct clone_ring *ring, size_t len)
{
    struct clone_chunk *chunk = &ring->chunks[ring->filling];
    memcpy(chunk->bytes + chunk->used, &len, sizeof(len));
    size_t used = chunk->used + HEAD_BYTES + len;
    chunk->used = used + -used % ALIGNMENT;
    return chunk->used > CLONE_CHUNK_BYTES - CLONE_MESSAGE_ROOM;
}

enum clone_ring_state clone_ring_hand_over(struct clone_ring *ring, int64_t deadline_ns)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / CLOCK_S),
                             .tv_nsec = (long)(deadline_ns % CLOCK_S)};
    bool in_time = true;
    if (ring->chunks[ring->filling].used == 0)
        return CLONE_RING_DONE;
    (void)pthread_mutex_lock(&ring->lock);
    while (in_time && !ring->stopped && ring->count == CLONE_CHUNKS - 1)
        in_time = pthread_cond_timedwait(&ring->changed, &ring->lock, &until) == 0;
    enum clone_ring_state state = CLONE_RING_LATE;
    if (ring->stopped) {
        state = CLONE_RING_STOPPED;
    } else if (ring->count < CLONE_CHUNKS - 1) {
        ring->count++;
        ring->filling = (ring->filling + 1) % CLONE_CHUNKS;
        ring->chunks[ring->filling].used = ring->chunks[ring->filling].read = 0;
        state = CLONE_RING_DONE;
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

struct clone_chunk *clone_ring_take(struct clone_ring *ring)
{
    (void)pthread_mutex_lock(&ring->lock);
    while (ring->count == 0 && !ring->ended && !ring->stopped)
        (void)pthread_cond_wait(&ring->changed, &ring->lock);
    struct clone_chunk *chunk =
        ring->count > 0 && !ring->stopped ? &ring->chunks[ring->first] : NULL;
    (void)pthread_mutex_unlock(&ring->lock);
    return chunk;
}

bool clone_chunk_next(struct clone_chunk *chunk, struct span *message)
{
    if (chunk->read >= chunk->used)
        return false;
    size_t len;
    memcpy(&len, chunk->bytes + chunk->read, sizeof(len));
    *message = (struct span){chunk->bytes + chunk->read + HEAD_BYTES, len};
    size_t read = chunk->read + HEAD_BYTES + len;
    chunk->read = read + -read % ALIGNMENT;
    return true;
}

void clone_ring_give_back(struct clone_ring *ring)
{
    (void)pthread_mutex_lock(&ring->lock);
    ring->first = (ring->first + 1) % CLONE_CHUNKS;
    ring->count--;
    (void)pthread_cond_signal(&ring->changed);
    (void)pthread_mutex_unlock(&ring->lock);
}
