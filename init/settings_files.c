#include <stdlib.h>
#include <string.h>

#include "init/settings_table.h"
#include "init/sys/file.h"

/* A name is at most 63 bytes long (PostgreSQL docs, 4.1.1); whatever is longer is the server's to say. */
#define NAME_ROOM ((size_t)1024)

/* Which names the files told; the settings point into them. */
static char admin[NAME_ROOM], database[NAME_ROOM];

/* What the image takes as a value or from a file; TEXT NULL: the file is read at each use, elsewhere. */
static const struct {
    const char *value, *file;
    char *text;
} twins[] = {
    {"POSTGRES_USER",     "POSTGRES_USER_FILE",     admin   },
    {"POSTGRES_DB",       "POSTGRES_DB_FILE",       database},
    {"POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE", NULL    },
};

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && *value != '\0';
}

static const struct setting_row *row_of(const char *variable)
{
    size_t at = 0;
    while (setting_rows[at].info.variable == NULL ||
           strcmp(setting_rows[at].info.variable, variable) != 0)
        at++;
    return &setting_rows[at];
}

static bool read_name(char text[static NAME_ROOM], const char *variable, struct err *err)
{
    struct buf name = buf_new(NAME_ROOM - 1);
    bool done = file_read_secret(getenv(variable), &name, err);
    if (done)
        memcpy(text, buf_text(&name), name.len + 1);
    else
        err->kind = ERR_CONFIG; /* also where its mode forbids the reading */
    buf_free(&name);
    return done || err_wrap(err, "%s", variable);
}

bool settings_read_files(struct settings *settings, command_set command, struct err *err)
{
    for (size_t i = 0; i < sizeof twins / sizeof twins[0]; i++) {
        const struct setting_row *row = row_of(twins[i].value);
        if ((row->info.commands & command) == 0 || !is_set(twins[i].file))
            continue;
        if (is_set(twins[i].value)) {
            return err_set(err, ERR_CONFIG, "%s and %s are both set: the image takes one of them",
                           twins[i].value, twins[i].file);
        }
        if (twins[i].text != NULL &&
            (!read_name(twins[i].text, twins[i].file, err) ||
             !setting_parse(settings, row, twins[i].text, twins[i].file, ERR_CONFIG, err)))
            return false;
    }
    return true;
}
