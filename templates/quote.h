#ifndef TEMPLATES_QUOTE_H
#define TEMPLATES_QUOTE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * How a value is written so that the program that reads the file gets exactly that value. Sources:
 * redis: sdssplitargs (redis 7.0, 8.0 and Valkey 8.1, sds.c). pgconf: guc-file.l, pghba: hba.c
 * next_token, pgpass: passwordFromFile, conninfo: conninfo_parse (all PostgreSQL 13 to 18). url:
 * RFC 3986, 2.3. json: RFC 8259, 7. sh: POSIX.1-2017 Shell, 2.2.
 */
enum quote_kind {
    QUOTE_RAW,  /* as it is */
    QUOTE_TEXT, /* as it is, but a line break is refused: the default of a file of no known kind */
    QUOTE_REDIS,
    QUOTE_PGCONF,
    QUOTE_PGHBA,
    QUOTE_PGPASS,
    QUOTE_CONNINFO,
    QUOTE_URL,
    QUOTE_JSON,
    QUOTE_SH,
};

enum quote_status {
    QUOTE_OK,
    QUOTE_FULL,      /* the sink took no more */
    QUOTE_NUL,       /* no format has a place for it */
    QUOTE_NEWLINE,   /* a line break (LF or CR) that cannot be written here */
    QUOTE_BACKSLASH, /* a backslash would take the meaning of what follows it */
    QUOTE_UTF8,      /* json: the value is no UTF-8 */
    QUOTE_TOUCHES,   /* a value that needs quotes stands right beside other text */
};

/* Takes text; false: no room, nothing more will be written. */
struct quote_sink {
    bool (*put)(void *user, const char *data, size_t len);
    void *user;
};

/* The kind called NAME ("redis", "pgconf", ...) in a placeholder; false for no such kind. */
bool quote_kind_parse(const char *name, size_t len, enum quote_kind *kind);

/* The kind of a file by its name; CONF is what this engine's other *.conf files are. */
enum quote_kind quote_kind_of_file(const char *file, enum quote_kind conf);

/* Writes VALUE where no quotes are open: in the kind's own quotes where it needs them. */
enum quote_status quote_value(enum quote_kind kind, const char *value, size_t len,
                              const struct quote_sink *sink);

/* Where the text written so far has led in the grammar of its file. */
enum quote_place { QUOTE_BARE, QUOTE_DOUBLE, QUOTE_SINGLE, QUOTE_COMMENT };

/*
 * Follows a file's text, so that a value between quotes that the template itself opened gets that
 * quotes' escapes and none of its own. Quotes end with their line but in sh, whose here-documents
 * and command substitutions it does not know.
 */
struct quote_cursor {
    enum quote_kind kind; /* of the file */
    enum quote_place place;
    bool line_blank; /* nothing but blanks in this line so far */
    bool in_word;    /* the last character belongs to an unquoted word */
    bool escaped;    /* the last character was a backslash that quotes the next */
    bool closed;     /* the last thing written was a value in quotes of its own */
};

struct quote_cursor quote_cursor_new(enum quote_kind kind);

/* Follows text that stands in the file as it is. QUOTE_TOUCHES: it begins right after a quoted
 * value, in a format where that is another word or none. */
enum quote_status quote_cursor_pass(struct quote_cursor *cursor, const char *text, size_t len);

/* Writes VALUE, in the file's kind, as its place asks for. */
enum quote_status quote_cursor_put(struct quote_cursor *cursor, const char *value, size_t len,
                                   const struct quote_sink *sink);

/* Writes what quote_value made of a value in ANOTHER kind: between the template's quotes it is
 * escaped for them too; elsewhere it stands as it is. */
enum quote_status quote_cursor_put_made(struct quote_cursor *cursor, const char *made, size_t len,
                                        const struct quote_sink *sink);

#endif
