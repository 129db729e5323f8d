#include "init/postgres/reserved_history.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "init/sys/file.h"

#define HISTORY_MAX ((size_t)1 << 20)

static bool is_reserved(const char *path, struct err *err, bool *reserved)
{
    struct buf text = buf_new(HISTORY_MAX);
    enum file_presence presence = FILE_ABSENT;
    bool done = file_read(path, &text, &presence, err);
    /* one that a power cut emptied says nothing, and would be taken for the newest timeline all the same */
    *reserved =
        done && (text.len == 0 || strstr(buf_text(&text), "\t" RESERVED_HISTORY "\n") != NULL);
    buf_free(&text);
    return done;
}

bool reserved_history_remove(const char *pgdata, struct err *err)
{
    static const char suffix[] = ".history";
    char wal[4096];
    char path[4096];
    bool done = file_join(wal, pgdata, "pg_wal", err);
    DIR *stream = done ? opendir(wal) : NULL;
    const struct dirent *entry;
    if (done && stream == NULL)
        return errno == ENOENT || err_errno(err, errno, "cannot read '%s'", wal);
    while (done && (entry = readdir(stream)) != NULL) {
        size_t len = strlen(entry->d_name);
        bool reserved = false;
        if (len <= strlen(suffix) || strcmp(entry->d_name + len - strlen(suffix), suffix) != 0)
            continue;
        done = file_join(path, wal, entry->d_name, err) && is_reserved(path, err, &reserved) &&
               (!reserved || file_remove(path, err));
    }
    if (stream != NULL)
        (void)closedir(stream);
    return done;
}
