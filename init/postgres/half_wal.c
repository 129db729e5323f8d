#include "init/postgres/half_wal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/postgres/datadir.h"
#include "init/sys/disk.h"
#include "init/sys/file.h"
#include "init/sys/log.h"

#define SEGMENT_DIGITS 24

static bool ends_with(const char *text, const char *tail)
{
    size_t len = strlen(text), tail_len = strlen(tail);
    return len >= tail_len && strcmp(text + len - tail_len, tail) == 0;
}

/* Where DIRECTORY/pg_wal leads; false where that is no link of initdb's, or was followed before. */
static bool read_link(const char *link, char wal[static PATH_MAX])
{
    ssize_t len = readlink(link, wal, PATH_MAX - 1);
    if (len <= 0)
        return false;
    wal[len] = '\0';
    while (len > 1 && wal[len - 1] == '/')
        wal[--len] = '\0';
    return wal[0] == '/' && len > 1 && !ends_with(wal, DATADIR_HALF);
}

/* What pg_wal has in a first initdb: segments and their backup histories, new ones by another name
 * first, and two directories (xlog.c, PostgreSQL 13 to 18). */
static bool is_wal(const char *name)
{
    return strspn(name, "0123456789ABCDEF") >= SEGMENT_DIGITS ||
           strncmp(name, "xlogtemp.", strlen("xlogtemp.")) == 0 ||
           strcmp(name, "archive_status") == 0 || strcmp(name, "summaries") == 0;
}

enum what { NOTHING_HERE, EMPTY, WAL };

/* EMPTY, or WAL of this user's and nothing else. */
static bool look_inside(DIR *listing, const char *wal, enum what *what, struct err *err)
{
    const struct dirent *entry;
    struct stat status;
    if (fstat(dirfd(listing), &status) != 0)
        return err_errno(err, errno, "cannot look at the WAL directory '%s'", wal);
    *what = EMPTY;
    while ((errno = 0, entry = readdir(listing)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        *what = WAL;
        if (status.st_uid != geteuid() || !is_wal(entry->d_name)) {
            return err_set(err, ERR_REFUSED,
                           "the first initdb was cut short, and its WAL directory '%.1000s' has "
                           "'%.100s', which is not its own: empty that directory, so that initdb "
                           "can begin again",
                           wal, entry->d_name);
        }
    }
    return errno == 0 || err_errno(err, errno, "cannot read the WAL directory '%s'", wal);
}

static bool look(const char *wal, enum what *what, struct err *err)
{
    int directory = open(wal, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *listing = directory >= 0 ? fdopendir(directory) : NULL;
    if (listing == NULL) {
        int number = errno;
        if (directory >= 0)
            (void)close(directory);
        return number == ENOENT ||
               err_errno(err, number, "cannot read the WAL directory '%s' of the first initdb",
                         wal);
    }
    bool good = look_inside(listing, wal, what, err);
    (void)closedir(listing);
    return good;
}

/* The link leads to TARGET from now on; NULL: it is gone. What the next initdb puts at the old place is
 * not this one's. */
static bool point(const char *directory, const char *link, const char *target, struct err *err)
{
    if (unlink(link) != 0 || (target != NULL && symlink(target, link) != 0))
        return err_errno(err, errno, "cannot change the link '%s'", link);
    return disk_sync_directory(directory, err);
}

static bool sync_parent(const char *path, struct err *err)
{
    char parent[PATH_MAX];
    (void)snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    slash[slash == parent] = '\0';
    return disk_sync_directory(parent, err);
}

static bool move(const char *directory, const char *link, const char *wal, struct err *err)
{
    char aside[PATH_MAX + sizeof DATADIR_HALF];
    (void)snprintf(aside, sizeof aside, "%s" DATADIR_HALF, wal);
    if (!disk_remove_tree(aside, err))
        return false;
    if (rename(wal, aside) == 0) {
        log_info("the WAL of the first initdb is moved to %s", aside);
        return sync_parent(wal, err) && point(directory, link, aside, err);
    }
    log_info("the WAL of the first initdb in %s, which cannot be renamed (%s), is removed", wal,
             strerror(errno));
    return disk_empty(wal, err) && point(directory, link, NULL, err);
}

bool half_wal_move_aside(const char *directory, struct err *err)
{
    char link[4096], wal[PATH_MAX];
    enum what what = NOTHING_HERE;
    if (!file_join(link, directory, "pg_wal", err))
        return false;
    if (!read_link(link, wal))
        return true;
    if (!look(wal, &what, err))
        return false;
    if (what == EMPTY)
        return point(directory, link, NULL, err);
    return what == NOTHING_HERE || move(directory, link, wal, err);
}
