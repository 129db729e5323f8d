#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "init/settings_table.h"
#include "init/sys/bug.h"

#define TEXT_MAX ((size_t)32 * 1024)
#define NAME_MAX_LEN ((size_t)253)

/* What a value is checked for, and how an error calls it. */
struct value {
    const char *text;
    const char *source;
    enum err_kind kind;
    const struct setting_row *row;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "SOURCE is 'TEXT': WHY", the text cut where it is long; a secret is not shown. */
static bool refuse(const struct value *value, struct err *err, const char *why)
{
    if (value->row->kind == KIND_SECRET)
        return err_set(err, value->kind, "the value of %s is refused: %s", value->source, why);
    return err_set(err, value->kind, "%s is '%.80s%s': %s", value->source, value->text,
                   strlen(value->text) > 80 ? "..." : "", why);
}

bool setting_is_link(const char *text)
{
    return strncmp(text, "tcp://", 6) == 0 || strncmp(text, "udp://", 6) == 0 ||
           strncmp(text, "sctp://", 7) == 0;
}

/* The digits at *AT as a number of 0 to MOST; moves *AT behind them. No sign, no leading zero. */
static bool parse_digits(const char **at, int64_t most, int64_t *number)
{
    const char *start = *at;
    int64_t result = 0;
    for (; is_digit(**at); (*at)++) {
        int digit = **at - '0';
        if (result > most / 10 || result * 10 > most - digit)
            return false;
        result = result * 10 + digit;
    }
    *number = result;
    return *at > start && !(*start == '0' && *at - start > 1);
}

static bool parse_integer(const struct value *value, int64_t *number, struct err *err)
{
    const char *at = value->text;
    if (!parse_digits(&at, value->row->most, number) || *at != '\0' ||
        *number < value->row->least) {
        char why[96];
        (void)snprintf(why, sizeof why, "a whole number from %lld to %lld is needed",
                       (long long)value->row->least, (long long)value->row->most);
        return refuse(value, err, why);
    }
    return true;
}

/* A number and one of UNITS, whose factors are in FACTORS; no unit is the first of them. */
static bool parse_with_unit(const char *text, const char *const *units, const int64_t *factors,
                            const struct setting_row *row, int64_t *number)
{
    const char *at = text;
    if (!parse_digits(&at, row->most, number))
        return false;
    for (size_t i = 0; units[i] != NULL; i++) {
        if (strcmp(at, units[i]) == 0) {
            if (*number > row->most / factors[i])
                return false;
            *number *= factors[i];
            return *number >= row->least;
        }
    }
    return false;
}

static void format_duration(int64_t ms, char text[static 32])
{
    static const struct {
        const char *unit;
        int64_t ms;
    } steps[] = {
        {"h",  3600000},
        {"m",  60000  },
        {"s",  1000   },
        {"ms", 1      }
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (ms % steps[i].ms == 0) {
            (void)snprintf(text, 32, "%lld%s", (long long)(ms / steps[i].ms), steps[i].unit);
            return;
        }
    }
}

static bool parse_duration(const struct value *value, int64_t *ms, struct err *err)
{
    static const char *const units[] = {"", "s", "ms", "m", "h", NULL};
    static const int64_t factors[] = {1000, 1000, 1, 60000, 3600000};
    if (parse_with_unit(value->text, units, factors, value->row, ms))
        return true;
    char least[32], most[32], why[128];
    format_duration(value->row->least, least);
    format_duration(value->row->most, most);
    (void)snprintf(why, sizeof why, "a time from %s to %s is needed, as 120, 120s, 500ms or 2m",
                   least, most);
    return refuse(value, err, why);
}

static bool parse_size(const struct value *value, int64_t *bytes, struct err *err)
{
    static const char *const units[] = {"", "B", "kB", "Ki", "MB", "Mi", "GB", "Gi", NULL};
    static const int64_t factors[] = {1, 1, 1 << 10, 1 << 10, 1 << 20, 1 << 20, 1 << 30, 1 << 30};
    if (parse_with_unit(value->text, units, factors, value->row, bytes))
        return true;
    return refuse(value, err, "a size is needed, as 65536, 64kB, 16MB or 1GB");
}

static bool parse_version(const struct value *value, int version[static 2], struct err *err)
{
    const char *at = value->text;
    int64_t parts[3] = {0, 0, 0};
    size_t count = 0;
    bool good = true;
    do {
        at += count > 0; /* the dot */
        good = parse_digits(&at, value->row->most, &parts[count]);
        count++;
    } while (good && count < 3 && *at == '.');
    if (!good || *at != '\0' || parts[0] < value->row->least)
        return refuse(value, err, "a version is needed, as 7.2 or 8.1.1");
    version[0] = (int)parts[0];
    version[1] = (int)parts[1];
    return true;
}

static bool parse_switch(const struct value *value, bool *on, struct err *err)
{
    static const char *const words[] = {"false", "true", "0", "1", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(value->text, words[i]) == 0) {
            *on = i % 2 == 1;
            return true;
        }
    }
    return refuse(value, err, "true or false is needed");
}

static bool parse_choice(const struct value *value, int *index, struct err *err)
{
    char why[128] = "";
    size_t length = 0;
    for (int i = 0; value->row->info.words[i] != NULL; i++) {
        const char *word = value->row->info.words[i];
        if (strcmp(value->text, word) == 0) {
            *index = i;
            return true;
        }
        const char *between = i == 0 ? "" : value->row->info.words[i + 1] == NULL ? " or " : ", ";
        int more = snprintf(why + length, sizeof why - length, "%s%s", between, word);
        ensure(more > 0 && (size_t)more < sizeof why - length);
        length += (size_t)more;
    }
    (void)snprintf(why + length, sizeof why - length, " is needed");
    return refuse(value, err, why);
}

static bool check_secret(const struct value *value, struct err *err)
{
    if (strlen(value->text) > TEXT_MAX)
        return err_set(err, value->kind, "%s is longer than %zu bytes", value->source, TEXT_MAX);
    if (strpbrk(value->text, "\r\n") != NULL) {
        return err_set(err, value->kind,
                       "%s holds a line break: a secret is one line (made by 'echo' without -n?)",
                       value->source);
    }
    return true;
}

static bool check_text(const struct value *value, struct err *err)
{
    enum setting_kind kind = value->row->kind;
    size_t most = kind == KIND_PATH ? PATH_MAX - 1 : kind == KIND_NAME ? NAME_MAX_LEN : TEXT_MAX;
    if (strlen(value->text) > most) {
        return err_set(err, value->kind, "%s has %zu bytes: at most %zu are possible",
                       value->source, strlen(value->text), most);
    }
    for (const char *at = value->text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c < 0x20 || c == 0x7F)
            return refuse(value, err, "it holds a line break or another control character");
        bool plain = is_digit(*at) || (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                     *at == '-' || *at == '.' || *at == '_';
        if (kind == KIND_NAME && !plain)
            return refuse(value, err, "only letters, digits, '-', '.' and '_' make a name");
    }
    return true;
}

/* What no setting of any kind may hold. */
static bool check_origin(const struct value *value, struct err *err)
{
    if (setting_is_link(value->text)) {
        return refuse(value, err,
                      "Kubernetes made it for a Service of that name; set 'enableServiceLinks: "
                      "false' in the pod's spec");
    }
    if (strstr(value->text, "$(") != NULL && value->row->kind != KIND_SECRET) {
        return refuse(value, err,
                      "Kubernetes did not replace it; the variable must be defined above it in the "
                      "same 'env' list");
    }
    return true;
}

static bool store(struct settings *settings, const struct value *value, struct err *err)
{
    const struct setting_row *row = value->row;
    char *member = (char *)settings + row->offset;
    int64_t number = 0;
    int small = 0;
    switch (row->kind) {
    case KIND_SECRET:
        memcpy(member, &value->text, sizeof value->text);
        return check_secret(value, err);
    case KIND_TEXT:
    case KIND_NAME:
    case KIND_PATH:
        memcpy(member, &value->text, sizeof value->text);
        return check_text(value, err);
    case KIND_WORD:
        memcpy(member, &value->text, sizeof value->text);
        return parse_choice(value, &small, err);
    case KIND_INTEGER:
        if (!parse_integer(value, &number, err))
            return false;
        small = (int)number;
        memcpy(member, &small, sizeof small);
        return true;
    case KIND_DURATION:
    case KIND_SIZE:
        if (row->kind == KIND_SIZE ? !parse_size(value, &number, err)
                                   : !parse_duration(value, &number, err))
            return false;
        memcpy(member, &number, sizeof number);
        return true;
    case KIND_CHOICE:
        if (!parse_choice(value, &small, err))
            return false;
        if (row->size == sizeof(bool))
            *(bool *)member = small != 0;
        else
            memcpy(member, &small, sizeof small);
        return true;
    case KIND_VERSION:
        return parse_version(value, (int *)(void *)member, err);
    case KIND_SWITCH:
        return parse_switch(value, (bool *)member, err);
    }
    return true;
}

bool setting_parse(struct settings *settings, const struct setting_row *row, const char *text,
                   const char *source, enum err_kind kind, struct err *err)
{
    struct value value = {.text = text, .source = source, .kind = kind, .row = row};
    return check_origin(&value, err) && store(settings, &value, err);
}
