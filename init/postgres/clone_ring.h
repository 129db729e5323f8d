#ifndef INIT_POSTGRES_CLONE_RING_H
#define INIT_POSTGRES_CLONE_RING_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/postgres/client.h"

/*
 * What a clone has received and not yet written: from the thread that receives to the thread that
 * writes, below a cap. Either may end it.
 */
#define CLONE_RING_SLOTS 64
#define CLONE_RING_BYTES ((size_t)2 << 20)

struct clone_ring {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* for the one side that waits: never do both */
    struct pg_piece slots[CLONE_RING_SLOTS];
    size_t first, count, bytes;
    bool full;    /* the receiver waits for room */
    bool ended;   /* nothing more will be put */
    bool stopped; /* nobody will take or put any more */
};

enum clone_ring_state { CLONE_RING_DONE, CLONE_RING_LATE, CLONE_RING_STOPPED };

bool clone_ring_open(struct clone_ring *ring);
/* Frees what nobody took; both threads are through with it. */
void clone_ring_close(struct clone_ring *ring);

/* Gives PIECE away (DATA NULL: a COPY OUT begins). LATE: there was no room until the deadline; it is
 * still the caller's, as after STOPPED. */
enum clone_ring_state clone_ring_put(struct clone_ring *ring, struct pg_piece piece,
                                     int64_t deadline_ns);
/* All is put. */
void clone_ring_end(struct clone_ring *ring);
/* From either side: ends the other one's wait, and all later ones. */
void clone_ring_stop(struct clone_ring *ring);
/* Waits for some pieces (so that not each of them wakes a thread) and takes up to MAX; 0: all were taken, or
 * stopped. */
size_t clone_ring_take(struct clone_ring *ring, struct pg_piece *pieces, size_t max);
/* True once stopped. */
bool clone_ring_is_stopped(struct clone_ring *ring);

#endif
