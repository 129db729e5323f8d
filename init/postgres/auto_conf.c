#include "init/postgres/auto_conf.h"

#include <string.h>
#include <strings.h>

#include "init/postgres/conninfo.h"
#include "init/sys/clock.h"
#include "init/sys/file.h"

#define AUTO_CONF_MAX ((size_t)4 << 20)

/* Names are case-insensitive, "=" is optional, blanks may come first (guc-file.l). */
static bool is_ours(const char *line, size_t len, enum auto_conf_what what)
{
    static const char *const names[] = {"cluster_name", "primary_conninfo", "primary_slot_name",
                                        "default_transaction_read_only"};
    size_t count = sizeof names / sizeof *names - (what == AUTO_CONF_ALL ? 0 : 1);
    size_t at = 0;
    if (what == AUTO_CONF_WHOM_NOT_HOLD && conninfo_line_is_held(line, len, clock_wall_ms() / 1000))
        return false;
    while (at < len && (line[at] == ' ' || line[at] == '\t'))
        at++;
    for (size_t i = 0; i < count; i++) {
        size_t name = strlen(names[i]);
        if (len - at > name && strncasecmp(line + at, names[i], name) == 0 &&
            strchr(" \t=", line[at + name]) != NULL)
            return true;
    }
    return false;
}

bool auto_conf_clean(const char *dir, enum auto_conf_what what, struct err *err)
{
    char path[4096];
    struct buf text = buf_new(AUTO_CONF_MAX);
    struct buf clean = buf_new(AUTO_CONF_MAX);
    enum file_presence presence = FILE_ABSENT;
    bool done =
        file_join(path, dir, "postgresql.auto.conf", err) && file_read(path, &text, &presence, err);
    const char *end = buf_text(&text) + text.len;
    for (const char *line = buf_text(&text); line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t len = stop != NULL ? (size_t)(stop - line) + 1 : (size_t)(end - line);
        if (!is_ours(line, len, what))
            buf_add(&clean, line, len);
        line += len;
    }
    if (done && !buf_ok(&clean))
        done = err_set(err, ERR_IO, "out of memory for '%s'", path);
    if (done && presence == FILE_THERE && clean.len != text.len)
        done = file_write(path, buf_text(&clean), clean.len, 0600, NULL, err);
    buf_free(&text);
    buf_free(&clean);
    return done;
}
