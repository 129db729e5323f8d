#include "init/sys/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct buf buf_new(size_t cap)
{
    return (struct buf){.cap = cap};
}

/* Makes room for MORE bytes and the NUL; sets full where that cannot be. */
static bool make_room(struct buf *buf, size_t more)
{
    if (buf->full || more > buf->cap - buf->len) {
        buf->full = true;
        return false;
    }
    size_t needed = buf->len + more + 1;
    if (needed <= buf->size)
        return true;
    size_t size = buf->size < 64 ? 64 : buf->size;
    while (size < needed)
        size = size > buf->cap / 2 ? buf->cap + 1 : size * 2;
    char *data = realloc(buf->data, size);
    if (data == NULL) {
        buf->full = true;
        return false;
    }
    buf->data = data;
    buf->size = size;
    return true;
}

void buf_add(struct buf *buf, const char *data, size_t len)
{
    if (!make_room(buf, len))
        return;
    if (len > 0)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_add_text(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        buf->full = true;
        return;
    }
    if (!make_room(buf, (size_t)length))
        return;
    va_start(arguments, format);
    (void)vsnprintf(buf->data + buf->len, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buf->len += (size_t)length;
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->full = false;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

bool buf_ok(const struct buf *buf)
{
    return !buf->full;
}

const char *buf_text(const struct buf *buf)
{
    return buf->data != NULL ? buf->data : "";
}

void buf_free(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){.cap = buf->cap};
}
