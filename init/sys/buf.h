#ifndef INIT_SYS_BUF_H
#define INIT_SYS_BUF_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A growing text buffer with a cap from birth. It always ends in a NUL that is not counted. When
 * the cap or memory is exhausted it becomes full: later additions are dropped and buf_ok answers
 * false, so that a writer checks once, at the end.
 */
struct buf {
    char *data; /* NULL until the first addition */
    size_t len;
    size_t size;
    size_t cap; /* greatest len in bytes */
    bool full;
};

/* An empty buffer that will hold CAP bytes at most. Nothing is allocated yet. */
struct buf buf_new(size_t cap);
void buf_add(struct buf *buf, const char *data, size_t len);
void buf_add_text(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Forgets the contents and keeps the memory. */
void buf_clear(struct buf *buf);
/* True while nothing was dropped. */
bool buf_ok(const struct buf *buf);
/* The contents as a string, "" when empty; valid until the next change. */
const char *buf_text(const struct buf *buf);
void buf_free(struct buf *buf);

#endif
