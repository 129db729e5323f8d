#include "init/sys/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Ends TEXT at LENGTH or a few bytes before it, so that no UTF-8 sequence is cut in two. */
static void cut(char *text, size_t length)
{
    size_t start = length;
    while (start > 0 && length - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start > 0) {
        unsigned char lead = (unsigned char)text[start - 1];
        size_t needed = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
        if (lead >= 0xC0 && length - start + 1 < needed)
            length = start - 1;
    }
    text[length] = '\0';
}

__attribute__((format(printf, 3, 0))) static void format_message(char *out, size_t size,
                                                                 const char *format,
                                                                 va_list arguments)
{
    int length = vsnprintf(out, size, format, arguments);
    if (length < 0)
        (void)snprintf(out, size, "%s", format);
    else if ((size_t)length >= size)
        cut(out, size - 1);
    for (char *at = out; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c < 0x20 || c == 0x7F)
            *at = '?';
    }
}

bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
    /* not into err->message at once: an argument may point there */
    char message[sizeof err->message];
    va_list arguments;
    va_start(arguments, format);
    format_message(message, sizeof message, format, arguments);
    va_end(arguments);
    err->kind = kind;
    memcpy(err->message, message, strlen(message) + 1);
    return false;
}

static void append(char *text, size_t size, const char *more)
{
    size_t length = strlen(text);
    size_t wanted = strlen(more);
    size_t room = size - 1 - length;
    size_t taken = wanted < room ? wanted : room;
    memcpy(text + length, more, taken);
    text[length + taken] = '\0';
    if (taken < wanted)
        cut(text, length + taken);
}

bool err_errno(struct err *err, int number, const char *format, ...)
{
    char message[sizeof err->message];
    va_list arguments;
    va_start(arguments, format);
    format_message(message, sizeof message, format, arguments);
    va_end(arguments);
    append(message, sizeof message, ": ");
    append(message, sizeof message, strerror(number));
    err->kind = number == EACCES || number == EPERM ? ERR_DENIED : ERR_IO;
    memcpy(err->message, message, strlen(message) + 1);
    return false;
}

bool err_wrap(struct err *err, const char *format, ...)
{
    char message[sizeof err->message];
    va_list arguments;
    va_start(arguments, format);
    format_message(message, sizeof message, format, arguments);
    va_end(arguments);
    append(message, sizeof message, ": ");
    append(message, sizeof message, err->message);
    memcpy(err->message, message, strlen(message) + 1);
    return false;
}
