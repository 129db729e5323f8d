#ifndef ROLES_TEXT_H
#define ROLES_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Small text helpers for the pure core: no locale, no errno, no allocation. */

/* Text inside somebody's buffer; data is not NUL-terminated. */
struct span {
    const char *data;
    size_t len;
};

/* True when SPAN is exactly WORD. */
bool text_is(struct span span, const char *word);
/* True when SPAN begins with PREFIX. */
bool text_starts(struct span span, const char *prefix);
/* Offset of the first (last) C in SPAN, span.len when there is none. */
size_t text_find(struct span span, char c);
size_t text_find_last(struct span span, char c);
/* SPAN less its first N bytes (N <= span.len). */
struct span text_from(struct span span, size_t n);
/* What stands before the first SEPARATOR; *rest begins behind it, and its data is NULL when there
 * was no separator. */
struct span text_cut(struct span span, char separator, struct span *rest);

/* The lines of SPAN, one that is not ended included; at least 1. */
size_t text_lines(struct span span);

/* A plain decimal number: digits only, at least one, no sign; false on overflow (value untouched).
 */
bool text_u64(struct span span, uint64_t *value);
/* The same with an optional '-'. */
bool text_i64(struct span span, int64_t *value);

/* An address as inet_pton takes it: "10.0.0.1", "2001:db8::1"; no zone ("%eth0"), no brackets. */
bool text_is_ipv4(struct span span);
bool text_is_ipv6(struct span span);

/* Copies SPAN into OUT with a NUL; false (OUT untouched) when it needs more than SIZE bytes. */
bool text_copy(struct span span, char *out, size_t size);

/* Text that grows in the caller's buffer; what does not fit sets full and is left out. */
struct text_out {
    char *data;
    size_t size, len; /* len < size, data[len] is NUL once anything was put */
    bool full;
};

void text_put_span(struct text_out *out, struct span span);
void text_put(struct text_out *out, const char *text);
void text_put_u64(struct text_out *out, uint64_t value);
/* The length, or 0 when not all fitted. */
size_t text_done(const struct text_out *out);

#endif
