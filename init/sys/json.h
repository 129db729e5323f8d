#ifndef INIT_SYS_JSON_H
#define INIT_SYS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/sys/buf.h"
#include "init/sys/err.h"

/*
 * JSON (RFC 8259), strictly, over cJSON, whose header json.c alone includes. What comes in has passed
 * json_syntax.h; beyond it a key that an object has twice and a number of 10^15 or more are refused, for
 * neither could be told back as it was. Functions that look take NULL, and answer as for a value that
 * is not there; so a chain of json_member needs one check, at its end.
 */

struct json; /* one value with all that is in it */

enum json_kind {
    JSON_ABSENT, /* NULL */
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_TEXT,
    JSON_ARRAY,
    JSON_OBJECT,
};

/* The one value that the LEN bytes of TEXT are, for json_free. ERR_CONFIG tells what is wrong and at
 * which byte ("it is no JSON: a colon is missing at byte 7"); the caller knows whose text it is, and
 * may know a better kind. ERR_IO: out of memory. The caller limits LEN. */
bool json_parse(struct json **value, const char *text, size_t len, struct err *err);
void json_free(struct json *value);

enum json_kind json_kind(const struct json *value);
/* The member KEY (compared byte by byte) of an object; NULL when it is not there, or OBJECT is none.
 * It lives as long as OBJECT, or until it is set or removed. */
struct json *json_member(const struct json *object, const char *key);
/* The first value of an array or object, and the next one; NULL at the end. */
struct json *json_first(const struct json *value);
struct json *json_next(const struct json *value);
/* The key of a member of an object, NULL for anything else. */
const char *json_key(const struct json *value);

/* The text, NULL when VALUE is none. UTF-8 without NUL. */
const char *json_text(const struct json *value);
/* False, and *number untouched, unless VALUE is a whole number from 0 to 10^15 - 1. */
bool json_u64(const struct json *value, uint64_t *number);
/* True when VALUE is true; false for all else. */
bool json_is_true(const struct json *value);

/* An empty object or array, for json_free; NULL when out of memory. */
struct json *json_object(void);
struct json *json_array(void);

/*
 * Each sets the member KEY of OBJECT in its place, or puts it at the end; false when out of memory. A
 * child belongs to OBJECT from then on, and is freed where it cannot be set; a NULL one cannot.
 */
bool json_set(struct json *object, const char *key, struct json *child);
bool json_set_text(struct json *object, const char *key, const char *text);
bool json_set_number(struct json *object, const char *key, double number);
bool json_set_bool(struct json *object, const char *key, bool value);
/* Puts CHILD, TEXT at the end of ARRAY, in the same way. */
bool json_add(struct json *array, struct json *child);
bool json_add_text(struct json *array, const char *text);

/* Appends VALUE to OUT, which is full (buf_ok) when it does not fit: in one line, or INDENTED for
 * people. False when out of memory. */
bool json_print(const struct json *value, bool indented, struct buf *out);

#endif
