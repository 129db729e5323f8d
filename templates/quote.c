#include "templates/quote.h"

#include <stdint.h>
#include <string.h>

#include "templates/quote_body.h"

static const struct {
    const char *name;
    enum quote_kind kind;
} kind_names[] = {
    {"raw",      QUOTE_RAW     },
    {"redis",    QUOTE_REDIS   },
    {"pgconf",   QUOTE_PGCONF  },
    {"pghba",    QUOTE_PGHBA   },
    {"pgpass",   QUOTE_PGPASS  },
    {"conninfo", QUOTE_CONNINFO},
    {"url",      QUOTE_URL     },
    {"json",     QUOTE_JSON    },
    {"sh",       QUOTE_SH      },
};

bool quote_kind_parse(const char *name, size_t len, enum quote_kind *kind)
{
    for (size_t i = 0; i < sizeof kind_names / sizeof *kind_names; i++) {
        if (strlen(kind_names[i].name) == len && memcmp(kind_names[i].name, name, len) == 0) {
            *kind = kind_names[i].kind;
            return true;
        }
    }
    return false;
}

static bool ends_with(const char *text, const char *tail)
{
    size_t len = strlen(text);
    size_t tail_len = strlen(tail);

    return len >= tail_len && strcmp(text + len - tail_len, tail) == 0;
}

enum quote_kind quote_kind_of_file(const char *file, enum quote_kind conf)
{
    if (strcmp(file, "pg_hba.conf") == 0 || strcmp(file, "pg_ident.conf") == 0)
        return QUOTE_PGHBA;
    if (strcmp(file, "postgresql.conf") == 0)
        return QUOTE_PGCONF;
    if (strcmp(file, "redis.conf") == 0 || strcmp(file, "valkey.conf") == 0)
        return QUOTE_REDIS;
    if (strcmp(file, "pgpass") == 0)
        return QUOTE_PGPASS;
    if (ends_with(file, ".conf"))
        return conf;
    if (ends_with(file, ".json"))
        return QUOTE_JSON;
    if (ends_with(file, ".env") || ends_with(file, ".sh"))
        return QUOTE_SH;
    return QUOTE_TEXT;
}

static bool put(const struct quote_sink *sink, const char *data, size_t len)
{
    return len == 0 || sink->put(sink->user, data, len);
}

static bool is_word_byte(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool consists_of(const char *value, size_t len, const char *others)
{
    for (size_t i = 0; i < len; i++)
        if (!is_word_byte((unsigned char)value[i]) &&
            (value[i] == '\0' || strchr(others, value[i]) == NULL))
            return false;
    return len > 0;
}

static bool is_number(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (value[i] < '0' || value[i] > '9')
            return false;
    return len > 0;
}

bool quote_needed(enum quote_kind kind, const char *value, size_t len)
{
    switch (kind) {
    case QUOTE_REDIS:
        return !consists_of(value, len, "./:@%+,=*-");
    case QUOTE_PGCONF:
        return !is_number(value, len) && (!consists_of(value, len, ".:/-") || is_number(value, 1) ||
                                          !is_word_byte((unsigned char)value[0]));
    case QUOTE_CONNINFO:
        return !consists_of(value, len, "./:@%+,-");
    case QUOTE_PGHBA: /* a bare word may be a keyword: all, replication */
    case QUOTE_JSON:
    case QUOTE_SH:
        return true;
    case QUOTE_RAW:
    case QUOTE_TEXT:
    case QUOTE_PGPASS:
    case QUOTE_URL:
        return false;
    }
    return false;
}

/* How many bytes follow the first byte of a UTF-8 sequence; 4: it begins none. */
static size_t utf8_more(unsigned char first)
{
    if (first < 0x80)
        return 0;
    if (first < 0xC2)
        return 4;
    if (first < 0xE0)
        return 1;
    if (first < 0xF0)
        return 2;
    return first < 0xF5 ? 3 : 4;
}

static bool is_utf8(const unsigned char *s, size_t len)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    size_t i = 0;

    while (i < len) {
        size_t more = utf8_more(s[i]);
        uint32_t point = s[i] & (more == 0 ? 0x7FU : 0x3FU >> more);

        if (more == 4 || len - i <= more)
            return false;
        for (size_t k = 1; k <= more; k++) {
            if ((s[i + k] & 0xC0) != 0x80)
                return false;
            point = point << 6 | (s[i + k] & 0x3FU);
        }
        if (point < least[more] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
            return false;
        i += more + 1;
    }
    return true;
}

/* What cannot be written at all. */
static enum quote_status refuse(enum quote_kind kind, enum quote_place place, const char *value,
                                size_t len)
{
    bool one_line = place == QUOTE_COMMENT || kind == QUOTE_TEXT || kind == QUOTE_PGHBA ||
                    kind == QUOTE_PGPASS || (kind == QUOTE_REDIS && place == QUOTE_SINGLE);

    if (memchr(value, '\0', len) != NULL)
        return QUOTE_NUL;
    if (one_line && (memchr(value, '\n', len) != NULL || memchr(value, '\r', len) != NULL))
        return QUOTE_NEWLINE;
    if (kind == QUOTE_REDIS && place == QUOTE_SINGLE && len > 0 && value[len - 1] == '\\')
        return QUOTE_BACKSLASH;
    if (kind == QUOTE_JSON && !is_utf8((const unsigned char *)value, len))
        return QUOTE_UTF8;
    return QUOTE_OK;
}

/* "\n" and its like, or the number of the byte, as redis, pgconf and json write control characters.
 */
static size_t escape_control(enum quote_kind kind, unsigned char c, char out[static 8])
{
    static const char hex[] = "0123456789abcdef";
    const char *letter = c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : NULL;

    if (letter != NULL) {
        memcpy(out, letter, 2);
        return 2;
    }
    out[0] = '\\';
    if (kind == QUOTE_PGCONF) {
        out[1] = (char)('0' + (c >> 6));
        out[2] = (char)('0' + (c >> 3 & 7));
        out[3] = (char)('0' + (c & 7));
        return 4;
    }
    if (kind == QUOTE_REDIS) {
        out[1] = 'x';
        out[2] = hex[c >> 4];
        out[3] = hex[c & 15];
        return 4;
    }
    memcpy(out + 1, "u00", 3);
    out[4] = hex[c >> 4];
    out[5] = hex[c & 15];
    return 6;
}

/* The bytes that take a backslash, and those that are doubled, between the quotes of PLACE. */
static const char *backslashed(enum quote_kind kind, enum quote_place place)
{
    switch (kind) {
    case QUOTE_REDIS:
        return place == QUOTE_SINGLE ? "'" : "\"\\";
    case QUOTE_PGCONF:
        return "\\";
    case QUOTE_PGPASS:
        return ":\\#*";
    case QUOTE_CONNINFO:
        return "'\\";
    case QUOTE_JSON:
        return "\"\\";
    case QUOTE_SH:
        return place == QUOTE_SINGLE ? "" : "\"\\$`";
    case QUOTE_RAW:
    case QUOTE_TEXT:
    case QUOTE_PGHBA:
    case QUOTE_URL:
        return "";
    }
    return "";
}

/* One byte as it stands between the quotes of PLACE; the length in OUT, 0: the byte stands as it
 * is. */
static size_t escape(enum quote_kind kind, enum quote_place place, unsigned char c,
                     char out[static 8])
{
    static const char hex[] = "0123456789ABCDEF";
    bool controls = kind == QUOTE_PGCONF || kind == QUOTE_JSON ||
                    (kind == QUOTE_REDIS && place == QUOTE_DOUBLE);

    if (kind == QUOTE_URL) {
        if (is_word_byte(c) || c == '-' || c == '.' || c == '~')
            return 0;
        out[0] = '%';
        out[1] = hex[c >> 4];
        out[2] = hex[c & 15];
        return 3;
    }
    if (controls && (c < 0x20 || c == 0x7F))
        return escape_control(kind, c, out);
    if ((kind == QUOTE_PGCONF && c == '\'') || (kind == QUOTE_PGHBA && c == '"')) {
        out[0] = out[1] = (char)c;
        return 2;
    }
    if (kind == QUOTE_SH && place == QUOTE_SINGLE && c == '\'') {
        memcpy(out, "'\\''", 4);
        return 4;
    }
    if (strchr(backslashed(kind, place), c) == NULL)
        return 0;
    out[0] = '\\';
    out[1] = (char)c;
    return 2;
}

enum quote_status quote_body(enum quote_kind kind, enum quote_place place, const char *value,
                             size_t len, const struct quote_sink *sink)
{
    enum quote_status status = refuse(kind, place, value, len);
    size_t from = 0;
    char out[8];

    if (status != QUOTE_OK)
        return status;
    if (place == QUOTE_COMMENT || kind == QUOTE_RAW || kind == QUOTE_TEXT)
        return put(sink, value, len) ? QUOTE_OK : QUOTE_FULL;
    for (size_t i = 0; i < len; i++) {
        size_t out_len = escape(kind, place, (unsigned char)value[i], out);

        if (out_len == 0)
            continue;
        if (!put(sink, value + from, i - from) || !put(sink, out, out_len))
            return QUOTE_FULL;
        from = i + 1;
    }
    return put(sink, value + from, len - from) ? QUOTE_OK : QUOTE_FULL;
}

enum quote_status quote_value(enum quote_kind kind, const char *value, size_t len,
                              const struct quote_sink *sink)
{
    bool twofold = kind == QUOTE_REDIS || kind == QUOTE_PGHBA || kind == QUOTE_JSON;
    const char *mark = twofold ? "\"" : "'";
    enum quote_place place = twofold ? QUOTE_DOUBLE : QUOTE_SINGLE;
    enum quote_status status;

    if (!quote_needed(kind, value, len))
        return quote_body(kind, QUOTE_BARE, value, len, sink);
    if (!put(sink, mark, 1))
        return QUOTE_FULL;
    status = quote_body(kind, place, value, len, sink);
    if (status == QUOTE_OK && !put(sink, mark, 1))
        status = QUOTE_FULL;
    return status;
}
