#include <string.h>

#include "templates/quote.h"
#include "templates/quote_body.h"

struct quote_cursor quote_cursor_new(enum quote_kind kind)
{
    return (struct quote_cursor){.kind = kind, .place = QUOTE_BARE, .line_blank = true};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void end_line(struct quote_cursor *cursor)
{
    bool lasting = cursor->kind == QUOTE_SH &&
                   (cursor->place == QUOTE_DOUBLE || cursor->place == QUOTE_SINGLE);

    if (!lasting)
        cursor->place = QUOTE_BARE;
    cursor->line_blank = true;
    cursor->in_word = false;
    cursor->escaped = false;
}

static bool begins_comment(const struct quote_cursor *cursor)
{
    switch (cursor->kind) {
    case QUOTE_REDIS:
    case QUOTE_PGPASS:
        return cursor->line_blank;
    case QUOTE_PGCONF:
    case QUOTE_PGHBA:
        return true;
    case QUOTE_SH:
        return !cursor->in_word;
    case QUOTE_RAW:
    case QUOTE_TEXT:
    case QUOTE_CONNINFO:
    case QUOTE_URL:
    case QUOTE_JSON:
        return false;
    }
    return false;
}

/* Which quotes C opens in unquoted text; QUOTE_BARE: none. */
static enum quote_place opened(enum quote_kind kind, char c)
{
    bool twofold =
        kind == QUOTE_REDIS || kind == QUOTE_PGHBA || kind == QUOTE_JSON || kind == QUOTE_SH;
    bool single = kind == QUOTE_REDIS || kind == QUOTE_PGCONF || kind == QUOTE_SH;

    if (c == '"' && twofold)
        return QUOTE_DOUBLE;
    if (c == '\'' && single)
        return QUOTE_SINGLE;
    return QUOTE_BARE;
}

/* True when a backslash at this place takes the meaning from the byte after it. */
static bool backslash_escapes(const struct quote_cursor *cursor)
{
    switch (cursor->kind) {
    case QUOTE_REDIS:
        return cursor->place != QUOTE_BARE;
    case QUOTE_JSON:
        return cursor->place == QUOTE_DOUBLE;
    case QUOTE_PGCONF:
        return cursor->place == QUOTE_SINGLE;
    case QUOTE_SH:
        return cursor->place != QUOTE_SINGLE;
    case QUOTE_RAW:
    case QUOTE_TEXT:
    case QUOTE_PGHBA:
    case QUOTE_PGPASS:
    case QUOTE_CONNINFO:
    case QUOTE_URL:
        return false;
    }
    return false;
}

/* True when C ends an unquoted word. */
static bool ends_word(enum quote_kind kind, char c)
{
    if (is_blank(c))
        return true;
    return (kind == QUOTE_PGCONF && c == '=') ||
           (kind == QUOTE_SH && c != '\0' && strchr(";&|()<>", c) != NULL);
}

/* One byte of a line, no newline. Between redis' single quotes a backslash escapes nothing but '.
 */
static void pass_byte(struct quote_cursor *cursor, char c)
{
    bool only_quote = cursor->kind == QUOTE_REDIS && cursor->place == QUOTE_SINGLE;
    bool escaped = cursor->escaped && (!only_quote || c == '\'');

    cursor->escaped = false;
    if (cursor->place == QUOTE_COMMENT)
        return;
    if (escaped) {
        /* stands for itself */
    } else if (c == '\\' && backslash_escapes(cursor)) {
        cursor->escaped = true;
    } else if (cursor->place == QUOTE_BARE) {
        if (c == '#' && begins_comment(cursor))
            cursor->place = QUOTE_COMMENT;
        else
            cursor->place = opened(cursor->kind, c);
    } else if (c == (cursor->place == QUOTE_DOUBLE ? '"' : '\'')) {
        cursor->place = QUOTE_BARE;
    }
    cursor->in_word = escaped || !ends_word(cursor->kind, c);
    cursor->line_blank = cursor->line_blank && is_blank(c);
}

/* A quoted word must be followed by a blank: in redis.conf anything else is an error, in
 * postgresql.conf it may even go on with the string. */
static bool must_stand_alone(enum quote_kind kind)
{
    return kind == QUOTE_REDIS || kind == QUOTE_PGCONF;
}

enum quote_status quote_cursor_pass(struct quote_cursor *cursor, const char *text, size_t len)
{
    enum quote_status status = QUOTE_OK;

    if (len == 0)
        return QUOTE_OK;
    if (cursor->closed && must_stand_alone(cursor->kind) && !is_blank(text[0]))
        status = QUOTE_TOUCHES;
    cursor->closed = false;
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\n')
            end_line(cursor);
        else
            pass_byte(cursor, text[i]);
    return status;
}

enum quote_status quote_cursor_put(struct quote_cursor *cursor, const char *value, size_t len,
                                   const struct quote_sink *sink)
{
    enum quote_status status;

    if (cursor->escaped)
        return QUOTE_BACKSLASH;
    if (cursor->place != QUOTE_BARE) {
        status = quote_body(cursor->kind, cursor->place, value, len, sink);
    } else if (!quote_needed(cursor->kind, value, len)) {
        status = cursor->closed && len > 0 && must_stand_alone(cursor->kind)
                     ? QUOTE_TOUCHES
                     : quote_value(cursor->kind, value, len, sink);
        cursor->closed = false;
    } else {
        bool touches = (cursor->closed && must_stand_alone(cursor->kind)) ||
                       (cursor->in_word && cursor->kind == QUOTE_PGCONF);

        status = touches ? QUOTE_TOUCHES : quote_value(cursor->kind, value, len, sink);
        cursor->closed = true;
    }
    cursor->line_blank = false;
    cursor->in_word = true;
    return status;
}

enum quote_status quote_cursor_put_made(struct quote_cursor *cursor, const char *made, size_t len,
                                        const struct quote_sink *sink)
{
    bool many_lines =
        cursor->place == QUOTE_BARE && (cursor->kind == QUOTE_RAW || cursor->kind == QUOTE_SH);
    enum quote_status status;

    if (cursor->escaped || cursor->place == QUOTE_DOUBLE || cursor->place == QUOTE_SINGLE)
        return quote_cursor_put(cursor, made, len, sink);
    if (!many_lines && (memchr(made, '\n', len) != NULL || memchr(made, '\r', len) != NULL))
        return QUOTE_NEWLINE;
    status = quote_cursor_pass(cursor, made, len);
    if (status == QUOTE_OK && len > 0 && !sink->put(sink->user, made, len))
        status = QUOTE_FULL;
    return status;
}
