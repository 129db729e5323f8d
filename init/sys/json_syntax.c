#include "init/sys/json_syntax.h"

#include <stdbool.h>
#include <string.h>

#include "init/sys/utf8.h"

struct scan {
    const char *at, *end;
    size_t values;
    const char *problem;
};

static bool fail(struct scan *scan, const char *problem)
{
    scan->problem = problem;
    return false;
}

static bool is_next(const struct scan *scan, char c)
{
    return scan->at < scan->end && *scan->at == c;
}

static bool take(struct scan *scan, char c)
{
    bool there = is_next(scan, c);
    scan->at += there;
    return there;
}

static void skip_space(struct scan *scan)
{
    while (take(scan, ' ') || take(scan, '\t') || take(scan, '\n') || take(scan, '\r'))
        ;
}

static bool take_digits(struct scan *scan)
{
    const char *from = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > from || fail(scan, "a digit is missing");
}

/* RFC 8259, 6: no plus sign, no leading zeros, a digit on both sides of the point. */
static bool take_number(struct scan *scan)
{
    const char *from = scan->at;
    (void)take(scan, '-');
    if (!take(scan, '0') && !take_digits(scan))
        return false;
    if (take(scan, '.') && !take_digits(scan))
        return false;
    if (take(scan, 'e') || take(scan, 'E')) {
        if (!take(scan, '+'))
            (void)take(scan, '-');
        if (!take_digits(scan))
            return false;
    }
    return scan->at - from <= JSON_DIGITS_MAX || fail(scan, "a number of too many digits");
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits of \uXXXX. */
static bool take_unit(struct scan *scan, unsigned *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = scan->at < scan->end ? hex_digit(*scan->at) : -1;
        if (digit < 0)
            return fail(scan, "four hexadecimal digits are missing");
        *unit = *unit * 16 + (unsigned)digit;
        scan->at++;
    }
    return true;
}

static bool is_surrogate(unsigned unit, unsigned first)
{
    return unit >= first && unit < first + 0x400;
}

static bool take_escape(struct scan *scan)
{
    unsigned unit;
    if (scan->at == scan->end)
        return fail(scan, "a string does not end");
    char c = *scan->at++;
    if (c != 'u')
        return memchr("\"\\/bfnrt", c, 8) != NULL || fail(scan, "an unknown escape");
    if (!take_unit(scan, &unit))
        return false;
    if (unit == 0)
        return fail(scan, "a string with a NUL");
    if (is_surrogate(unit, 0xDC00))
        return fail(scan, "half a surrogate pair");
    if (!is_surrogate(unit, 0xD800))
        return true;
    if (!take(scan, '\\') || !take(scan, 'u'))
        return fail(scan, "half a surrogate pair");
    return take_unit(scan, &unit) &&
           (is_surrogate(unit, 0xDC00) || fail(scan, "half a surrogate pair"));
}

static bool take_string(struct scan *scan)
{
    if (!take(scan, '"'))
        return fail(scan, "a string is missing");
    while (scan->at < scan->end) {
        if (take(scan, '"'))
            return true;
        if (take(scan, '\\')) {
            if (!take_escape(scan))
                return false;
            continue;
        }
        size_t length = utf8_length(scan->at, (size_t)(scan->end - scan->at));
        if (length == 0)
            return fail(scan, "no UTF-8");
        if ((unsigned char)*scan->at < 0x20)
            return fail(scan, "a control character in a string");
        scan->at += length;
    }
    return fail(scan, "a string does not end");
}

static bool take_word(struct scan *scan)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t len = strlen(words[i]);
        if ((size_t)(scan->end - scan->at) >= len && memcmp(scan->at, words[i], len) == 0) {
            scan->at += len;
            return true;
        }
    }
    return fail(scan, "no JSON value");
}

static bool take_value(struct scan *scan, int depth);

/* What stands between the brackets: values, in an object each behind its key and a colon. */
static bool take_members(struct scan *scan, int depth, char closing)
{
    skip_space(scan);
    if (take(scan, closing))
        return true;
    do {
        skip_space(scan);
        if (closing == '}') {
            if (!take_string(scan))
                return false;
            skip_space(scan);
            if (!take(scan, ':'))
                return fail(scan, "a colon is missing");
        }
        if (!take_value(scan, depth))
            return false;
        skip_space(scan);
    } while (take(scan, ','));
    return take(scan, closing) || fail(scan, "an array or object does not end");
}

static bool take_value(struct scan *scan, int depth)
{
    skip_space(scan);
    if (++scan->values > JSON_VALUES_MAX)
        return fail(scan, "too many values");
    if (is_next(scan, '{') || is_next(scan, '[')) {
        if (depth == JSON_DEPTH_MAX)
            return fail(scan, "nested too deep");
        char closing = *scan->at++ == '{' ? '}' : ']';
        return take_members(scan, depth + 1, closing);
    }
    if (is_next(scan, '"'))
        return take_string(scan);
    bool number = scan->at < scan->end && memchr("-0123456789", *scan->at, 11) != NULL;
    return number ? take_number(scan) : take_word(scan);
}

const char *json_syntax_problem(const char *text, size_t len, size_t *place)
{
    struct scan scan = {.at = text, .end = text + len};
    if (take_value(&scan, 0)) {
        skip_space(&scan);
        if (scan.at < scan.end)
            (void)fail(&scan, "something behind the value");
    }
    *place = (size_t)(scan.at - text);
    return scan.problem;
}
