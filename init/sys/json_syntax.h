#ifndef INIT_SYS_JSON_SYNTAX_H
#define INIT_SYS_JSON_SYNTAX_H

#include <stddef.h>

/* Arrays and objects inside one another, and all values of a text: what a reader's stack and memory bear. */
#define JSON_DEPTH_MAX 64
#define JSON_VALUES_MAX 65536
/* Characters of a number: what cJSON 1.7.18 reads of one. */
#define JSON_DIGITS_MAX 63

/*
 * NULL when the LEN bytes of TEXT are one JSON value by RFC 8259, and nothing behind it but white
 * space; else what is wrong, and *place is the byte, from 0, where. Refused beyond the grammar: what is
 * no UTF-8, a NUL character (\u0000) and half a surrogate pair in a string, what exceeds the limits
 * above.
 */
const char *json_syntax_problem(const char *text, size_t len, size_t *place);

#endif
