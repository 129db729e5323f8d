#include <stdio.h>
#include <string.h>

#include "init/postgres/clone_internal.h"
#include "init/sys/clock.h"

/* The writer's deepest call holds a few paths and a batch; musl's default of 128 KiB would do as well. */
#define WRITER_STACK ((size_t)256 << 10)

/* A slow disk is no silence of the upstream. */
static bool hand_over(struct clone *clone)
{
    enum clone_ring_state state;
    while ((state = clone_ring_hand_over(&clone->ring, clock_deadline_ns(1000))) == CLONE_RING_LATE)
        clone_staging_beat(clone);
    progress_update(&clone->progress, atomic_load_explicit(&clone->written, memory_order_relaxed));
    return state == CLONE_RING_DONE;
}

/* Until the row behind the data. False: ERR, or the writer has stopped. */
static bool receive(struct clone *clone, struct err *err)
{
    int64_t handed_ns = clock_now_ns();
    for (;;) {
        struct pg_piece piece = clone_ring_room(&clone->ring);
        enum pg_stream_part part =
            clone_source_next(clone, &piece, clone->request->silence_ms, err);
        if (part == PG_STREAM_ROWS)
            return hand_over(clone);
        if (part == PG_STREAM_FAILED)
            return false;
        if (part == PG_STREAM_END)
            return err_set(err, ERR_LATER, "%s: the backup has no end",
                           clone->request->upstream_name);
        clone->result->received_bytes += piece.len;
        /* what comes slowly is handed over in time too */
        bool is_full = clone_ring_add(&clone->ring, piece.len);
        if (is_full || clone->heard_ns - handed_ns > CLOCK_S) {
            handed_ns = clone->heard_ns;
            if (!hand_over(clone))
                return false;
        }
    }
}

static bool start_writer(struct clone *clone, pthread_t *thread, struct err *err)
{
    pthread_attr_t attributes;
    int number = pthread_attr_init(&attributes);
    if (number == 0) {
        (void)pthread_attr_setstacksize(&attributes, WRITER_STACK);
        number = pthread_create(thread, &attributes, clone_write, clone);
        (void)pthread_attr_destroy(&attributes);
    }
    return number == 0 || err_errno(err, number, "cannot start a thread");
}

bool clone_receive(struct clone *clone, struct err *err)
{
    pthread_t thread;
    (void)snprintf(clone->progress_text, sizeof(clone->progress_text), "cloning from %s",
                   clone->request->upstream_name);
    clone->progress = progress_start(clone->progress_text, clone->spaces.bytes, PROGRESS_BYTES);
    bool done = (clone_ring_open(&clone->ring) || err_set(err, ERR_IO, "out of memory")) &&
                start_writer(clone, &thread, err);
    if (done) {
        struct err why = {.kind = 0};
        done = receive(clone, &why);
        if (done)
            clone_ring_end(&clone->ring);
        else
            clone_ring_stop(&clone->ring);
        (void)pthread_join(thread, NULL);
        /* Who failed first is told: the writer's failure stops the receiver, which then has none. */
        if (clone->write_err.kind != 0)
            why = clone->write_err;
        if (why.kind != 0)
            *err = why;
        done = done && why.kind == 0;
    }
    progress_end();
    clone_ring_close(&clone->ring);
    return done;
}
