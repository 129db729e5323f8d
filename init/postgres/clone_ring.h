#ifndef INIT_POSTGRES_CLONE_RING_H
#define INIT_POSTGRES_CLONE_RING_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/postgres/client.h"
#include "roles/text.h"

/*
 * What a clone has received and not yet written, from the thread that receives to the thread that writes:
 * messages packed into a few chunks of fixed size, so that neither allocates nor wakes the other for each
 * message. Either may end it.
 */
#define CLONE_CHUNKS 3
#define CLONE_CHUNK_BYTES ((size_t)1 << 20)
/* A chunk with less room is handed over: the greatest message (pg_piece) fits into what is left. */
#define CLONE_MESSAGE_ROOM ((size_t)384 << 10)

struct clone_chunk {
    size_t used; /* bytes */
    size_t read; /* by the writer */
    char *bytes;
};

struct clone_ring {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* for the one side that waits: never do both */
    struct clone_chunk chunks[CLONE_CHUNKS];
    size_t filling;      /* the receiver's alone */
    size_t first, count; /* those that were handed over */
    bool ended;          /* nothing more will be put */
    bool stopped;        /* nobody will take or put any more */
};

enum clone_ring_state { CLONE_RING_DONE, CLONE_RING_LATE, CLONE_RING_STOPPED };

bool clone_ring_open(struct clone_ring *ring);
/* Both threads are through with it. */
void clone_ring_close(struct clone_ring *ring);

/* The receiver's side. Where the next message goes; always room for one. */
struct pg_piece clone_ring_room(struct clone_ring *ring);
/* LEN bytes were put there; 0: a COPY OUT begins. True when the chunk is to be handed over. */
bool clone_ring_add(struct clone_ring *ring, size_t len);
/* Hands the chunk over, if there is anything in it. LATE: the writer has all the others until the deadline. */
enum clone_ring_state clone_ring_hand_over(struct clone_ring *ring, int64_t deadline_ns);
/* All is handed over. */
void clone_ring_end(struct clone_ring *ring);

/* The writer's side. Waits for a chunk; NULL: all were taken, or stopped. */
struct clone_chunk *clone_ring_take(struct clone_ring *ring);
/* The next message of a chunk, of no length where a COPY OUT begins; false: that was all. */
bool clone_chunk_next(struct clone_chunk *chunk, struct span *message);
/* Gives back what was taken. */
void clone_ring_give_back(struct clone_ring *ring);

/* From either side: ends the other one's wait, and all later ones. */
void clone_ring_stop(struct clone_ring *ring);
bool clone_ring_is_stopped(struct clone_ring *ring);

#endif
