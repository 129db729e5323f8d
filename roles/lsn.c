#include "roles/lsn.h"

#include <assert.h>
#include <string.h>

#define HALF_DIGITS 8

/* One to eight hexadecimal digits. */
static bool parse_hex(struct span span, uint32_t *number)
{
    uint32_t sum = 0;
    if (span.len == 0 || span.len > HALF_DIGITS)
        return false;
    for (size_t i = 0; i < span.len; i++) {
        char c = span.data[i];
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if (c >= 'A' && c <= 'F')
            digit = (uint32_t)(c - 'A') + 10;
        else if (c >= 'a' && c <= 'f')
            digit = (uint32_t)(c - 'a') + 10;
        else
            return false;
        sum = sum << 4 | digit;
    }
    *number = sum;
    return true;
}

/* NUMBER in capitals, with zeros before it up to LEAST digits; returns the end. */
static char *write_hex(char *out, uint32_t number, int least)
{
    int digits = HALF_DIGITS;
    while (digits > least && number >> 4 * (digits - 1) == 0)
        digits--;
    for (int i = digits - 1; i >= 0; i--)
        *out++ = "0123456789ABCDEF"[number >> 4 * i & 0xf];
    return out;
}

bool lsn_parse(struct span span, uint64_t *lsn)
{
    struct span lower;
    uint32_t high, low;
    struct span upper = text_cut(span, '/', &lower);
    if (lower.data == NULL || !parse_hex(upper, &high) || !parse_hex(lower, &low))
        return false;
    *lsn = (uint64_t)high << 32 | low;
    return true;
}

void lsn_write(uint64_t lsn, char text[static LSN_TEXT_MAX])
{
    char *at = write_hex(text, (uint32_t)(lsn >> 32), 1);
    *at++ = '/';
    *write_hex(at, (uint32_t)lsn, 1) = '\0';
}

bool lsn_timeline_parse(struct span span, uint32_t *timeline)
{
    uint32_t number;
    if (span.len != HALF_DIGITS || !parse_hex(span, &number) || number == 0)
        return false;
    *timeline = number;
    return true;
}

void lsn_segment_name(uint32_t timeline, uint64_t lsn, uint32_t segment_bytes,
                      char name[static LSN_SEGMENT_NAME_MAX])
{
    assert(segment_bytes > 0);
    uint64_t number = lsn / segment_bytes;
    uint64_t each = (UINT64_C(1) << 32) / segment_bytes;
    char *at = write_hex(name, timeline, HALF_DIGITS);
    at = write_hex(at, (uint32_t)(number / each), HALF_DIGITS);
    *write_hex(at, (uint32_t)(number % each), HALF_DIGITS) = '\0';
}

bool lsn_segment_parse(struct span name, uint32_t segment_bytes, uint32_t *timeline, uint64_t *lsn)
{
    assert(segment_bytes > 0);
    uint64_t each = (UINT64_C(1) << 32) / segment_bytes;
    uint32_t high, low, tli;
    if (name.len != LSN_SEGMENT_NAME_MAX - 1)
        return false;
    if (!lsn_timeline_parse((struct span){name.data, HALF_DIGITS}, &tli) ||
        !parse_hex((struct span){name.data + HALF_DIGITS, HALF_DIGITS}, &high) ||
        !parse_hex((struct span){name.data + HALF_DIGITS * (size_t)2, HALF_DIGITS}, &low))
        return false;
    if (low >= each)
        return false;
    *timeline = tli;
    *lsn = (high * each + low) * segment_bytes;
    return true;
}

void lsn_history_name(uint32_t timeline, char name[static LSN_HISTORY_NAME_MAX])
{
    char *at = write_hex(name, timeline, HALF_DIGITS);
    memcpy(at, ".history", sizeof(".history"));
}
