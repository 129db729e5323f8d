#ifndef INIT_SYS_UTF8_H
#define INIT_SYS_UTF8_H

#include <stddef.h>

/* The longest sequence of one character. */
#define UTF8_MAX 4

/* The length of the UTF-8 sequence (RFC 3629, 4: no overlong forms, no surrogates) that AT begins
 * with, of whose LEN bytes none behind it is read; 0: none. In a text that ends in a NUL, LEN may be
 * UTF8_MAX wherever it is. */
size_t utf8_length(const char *at, size_t len);

#endif
