#include "roles/ordinal.h"

#include <stdbool.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* As ordinal_parse, of the LEN bytes at TEXT. */
static enum ordinal_status parse(const char *text, size_t len, int *ordinal)
{
    if (len == 0)
        return ORDINAL_EMPTY;
    if (text[0] == '+' || text[0] == '-')
        return ORDINAL_SIGN;
    int value = 0;
    bool too_large = false;
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(text[i]))
            return ORDINAL_NOT_A_NUMBER;
        int digit = text[i] - '0';
        if (value > (ORDINAL_MAX - digit) / 10)
            too_large = true;
        else
            value = value * 10 + digit;
    }
    if (text[0] == '0' && len > 1)
        return ORDINAL_LEADING_ZERO;
    if (too_large)
        return ORDINAL_TOO_LARGE;
    *ordinal = value;
    return ORDINAL_OK;
}

enum ordinal_status ordinal_parse(const char *text, int *ordinal)
{
    return parse(text, strlen(text), ordinal);
}

enum ordinal_status ordinal_of_name(const char *name, int *ordinal, size_t *stem_len)
{
    size_t label_len = strcspn(name, ".");
    if (label_len == 0)
        return ORDINAL_EMPTY;
    size_t tail = label_len;
    while (tail > 0 && name[tail - 1] != '-')
        tail--;
    if (tail == 0 || tail == label_len)
        return ORDINAL_NO_TAIL;
    size_t stem = tail - 1;
    if (stem == 0)
        return ORDINAL_EMPTY;
    if (name[stem - 1] == '-')
        return ORDINAL_SIGN;
    enum ordinal_status status = parse(name + tail, label_len - tail, ordinal);
    if (status == ORDINAL_NOT_A_NUMBER)
        return ORDINAL_NO_TAIL;
    if (status == ORDINAL_OK)
        *stem_len = stem;
    return status;
}

enum ordinal_kin ordinal_kin_of(const char *pod_name, const char *name)
{
    int own, other;
    size_t own_stem, other_stem;
    if (strchr(name, '.') != NULL || ordinal_of_name(pod_name, &own, &own_stem) != ORDINAL_OK ||
        ordinal_of_name(name, &other, &other_stem) != ORDINAL_OK || own_stem != other_stem ||
        memcmp(pod_name, name, own_stem) != 0)
        return ORDINAL_STRANGER;
    return own == other ? ORDINAL_SELF : ORDINAL_SIBLING;
}
