#ifndef INIT_SETTINGS_TABLE_H
#define INIT_SETTINGS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/settings.h"
#include "init/sys/err.h"

/* What is behind settings.h: the rows, and how a text becomes a value. For settings*.c alone. */

enum setting_kind {
    KIND_TEXT,     /* const char *, no control characters */
    KIND_NAME,     /* as text, made of letters, digits, '.', '_' and '-' */
    KIND_PATH,     /* as text, below PATH_MAX */
    KIND_SECRET,   /* as text; its value is never shown */
    KIND_INTEGER,  /* int, least to most */
    KIND_DURATION, /* int64_t in ms, least to most */
    KIND_SIZE,     /* int64_t in bytes, least to most */
    KIND_CHOICE,   /* index in words, an enum, int or bool */
    KIND_WORD,     /* const char *, one of words */
    KIND_VERSION,  /* two ints, major and minor */
    KIND_SWITCH,   /* bool */
};

struct setting_row {
    struct setting_info info;
    enum setting_kind kind;
    size_t offset; /* of the member in struct settings */
    size_t size;   /* of the member */
    int64_t least, most;
};

extern const struct setting_row setting_rows[];
extern const size_t setting_row_count;

/* Parses TEXT, not empty, into the row's member. SOURCE is the variable or flag that an error
 * names; KIND of the error: ERR_CONFIG for the environment, ERR_USAGE for a flag. */
bool setting_parse(struct settings *settings, const struct setting_row *row, const char *text,
                   const char *source, enum err_kind kind, struct err *err);

/* The texts of the files that the environment's POSTGRES_X_FILE name become POSTGRES_X, for a COMMAND
 * that knows it; they live until the next call. ERR_CONFIG where both are set, as the image's
 * entrypoint has it (file_env), and where a file cannot be read, is empty or no single line. */
bool settings_read_files(struct settings *settings, command_set command, struct err *err);

/* True for the values that Kubernetes puts in service links: tcp://, udp:// or sctp://. */
bool setting_is_link(const char *text);

#endif
