#include "roles/text.h"

#include <string.h>

bool text_is(struct span span, const char *word)
{
    size_t at = 0; /* mostly the first letter differs already, and parsers ask this all the time */
    while (at < span.len && word[at] != '\0' && span.data[at] == word[at])
        at++;
    return at == span.len && word[at] == '\0';
}

bool text_starts(struct span span, const char *prefix)
{
    size_t len = strlen(prefix);
    return span.len >= len && memcmp(span.data, prefix, len) == 0;
}

size_t text_find(struct span span, char c)
{
    const char *at = span.len == 0 ? NULL : memchr(span.data, c, span.len);
    return at == NULL ? span.len : (size_t)(at - span.data);
}

size_t text_find_last(struct span span, char c)
{
    for (size_t i = span.len; i > 0; i--)
        if (span.data[i - 1] == c)
            return i - 1;
    return span.len;
}

struct span text_from(struct span span, size_t n)
{
    if (n == 0)
        return span; /* an empty span may have no data at all */
    return (struct span){span.data + n, span.len - n};
}

struct span text_cut(struct span span, char separator, struct span *rest)
{
    size_t at = text_find(span, separator);
    *rest = at < span.len ? text_from(span, at + 1) : (struct span){NULL, 0};
    return (struct span){span.data, at};
}

bool text_u64(struct span span, uint64_t *value)
{
    uint64_t sum = 0;
    if (span.len == 0)
        return false;
    for (size_t i = 0; i < span.len; i++) {
        if (span.data[i] < '0' || span.data[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(span.data[i] - '0');
        if (sum > (UINT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *value = sum;
    return true;
}

bool text_i64(struct span span, int64_t *value)
{
    bool negative = span.len > 0 && span.data[0] == '-';
    uint64_t sum;
    if (!text_u64(negative ? text_from(span, 1) : span, &sum) || sum > INT64_MAX)
        return false;
    *value = negative ? -(int64_t)sum : (int64_t)sum;
    return true;
}

bool text_is_ipv4(struct span span)
{
    int parts = 0;
    for (struct span rest = span; rest.data != NULL; parts++) {
        struct span part = text_cut(rest, '.', &rest);
        uint64_t number;
        if (part.len > 3 || !text_u64(part, &number) || number > 255)
            return false;
        if (part.len > 1 && part.data[0] == '0')
            return false;
    }
    return parts == 4;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* RFC 4291 2.2: eight groups, "::" once for one or more of zeros, the last two may be an IPv4
 * address. */
bool text_is_ipv6(struct span span)
{
    struct span rest = span;
    int groups = 0;
    bool has_gap = text_starts(span, "::");

    if (has_gap)
        rest = text_from(rest, 2);
    while (rest.len > 0) {
        size_t digits = 0;
        if (text_find(rest, ':') == rest.len && text_find(rest, '.') < rest.len) {
            if (!text_is_ipv4(rest))
                return false;
            groups += 2;
            break;
        }
        while (digits < rest.len && is_hex(rest.data[digits]))
            digits++;
        if (digits == 0 || digits > 4)
            return false;
        groups++;
        rest = text_from(rest, digits);
        if (rest.len == 0)
            break;
        if (text_starts(rest, "::") && !has_gap) {
            has_gap = true;
            rest = text_from(rest, 2);
        } else if (rest.len > 1 && rest.data[0] == ':') {
            rest = text_from(rest, 1);
        } else {
            return false;
        }
    }
    return has_gap ? groups < 8 : groups == 8;
}

size_t text_lines(struct span span)
{
    size_t lines = 1;
    for (size_t i = 0; i < span.len; i++)
        lines += span.data[i] == '\n';
    return lines;
}

bool text_copy(struct span span, char *out, size_t size)
{
    if (span.len >= size)
        return false;
    if (span.len > 0)
        memcpy(out, span.data, span.len);
    out[span.len] = '\0';
    return true;
}

void text_put_span(struct text_out *out, struct span span)
{
    if (out->full || span.len >= out->size - out->len) {
        out->full = true;
        return;
    }
    if (span.len > 0)
        memcpy(out->data + out->len, span.data, span.len);
    out->len += span.len;
    out->data[out->len] = '\0';
}

void text_put(struct text_out *out, const char *text)
{
    text_put_span(out, (struct span){text, strlen(text)});
}

void text_put_u64(struct text_out *out, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    text_put_span(out, (struct span){digits + at, sizeof(digits) - at});
}

size_t text_done(const struct text_out *out)
{
    return out->full ? 0 : out->len;
}
