#include "init/postgres/clone_places.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/postgres/datadir.h"
#include "init/sys/disk.h"

/* Without the slashes at its end. */
static int path_len(const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    return (int)len;
}

bool clone_path(char out[static CLONE_PATH_MAX], const char *path, const char *suffix,
                struct err *err)
{
    int len = snprintf(out, CLONE_PATH_MAX, "%.*s%s", path_len(path), path, suffix);
    return len < CLONE_PATH_MAX || err_set(err, ERR_CONFIG, "the path '%s' is too long", path);
}

void clone_parent(char out[static CLONE_PATH_MAX], const char *path)
{
    int len = path_len(path);
    while (len > 0 && path[len - 1] != '/')
        len--;
    while (len > 1 && path[len - 1] == '/')
        len--;
    (void)snprintf(out, CLONE_PATH_MAX, "%.*s", len > 0 ? len : 1, len > 0 ? path : ".");
}

bool clone_place_is_free(const char *path, struct err *err)
{
    DIR *listing = opendir(path);
    if (listing == NULL && errno == ENOENT)
        return true;
    if (listing == NULL)
        return err_errno(err, errno, "cannot look into '%s'", path);
    bool empty = true;
    const struct dirent *entry;
    while (empty && (entry = readdir(listing)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    (void)closedir(listing);
    return empty || err_set(err, ERR_REFUSED, "'%s' is not empty", path);
}

/* What is done with the place of each tablespace of a staging directory. */
typedef bool (*act_on_space)(const char *target, struct err *err);

static bool each_space(const char *staging, act_on_space act, struct err *err)
{
    char path[CLONE_PATH_MAX], target[CLONE_PATH_MAX];
    if (!clone_path(path, staging, "/pg_tblspc", err))
        return false;
    DIR *listing = opendir(path);
    if (listing == NULL)
        return errno == ENOENT || err_errno(err, errno, "cannot look into '%s'", path);
    bool done = true;
    const struct dirent *entry;
    while (done && (entry = readdir(listing)) != NULL) {
        ssize_t len = readlinkat(dirfd(listing), entry->d_name, target, sizeof(target) - 1);
        if (len <= 0)
            continue;
        target[len] = '\0';
        done = act(target, err);
    }
    (void)closedir(listing);
    return done;
}

/* A link is made only where its target was free and the staging directory never became PGDATA; so what is at
 * the target now came there by a clone_install that was killed. */
static bool discard_space(const char *target, struct err *err)
{
    char path[CLONE_PATH_MAX];
    struct stat status;
    if (!clone_path(path, target, CLONE_STAGING_SUFFIX, err) || !disk_remove_tree(path, err))
        return false;
    return lstat(target, &status) != 0 || disk_empty(target, err);
}

bool clone_discard_staging(const char *staging, struct err *err)
{
    return each_space(staging, discard_space, err) && disk_remove_tree(staging, err);
}

bool clone_discard(const char *pgdata, struct err *err)
{
    char path[CLONE_PATH_MAX];
    return clone_path(path, pgdata, CLONE_STAGING_SUFFIX, err) &&
           clone_discard_staging(path, err) && clone_path(path, pgdata, DATADIR_CLONING, err) &&
           disk_remove_tree(path, err);
}

static bool sync_parent(const char *path, struct err *err)
{
    char parent[CLONE_PATH_MAX];
    clone_parent(parent, path);
    int directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = directory >= 0 && fsync(directory) == 0;
    if (!done)
        (void)err_errno(err, errno, "cannot write '%s' to the disk", parent);
    if (directory >= 0)
        (void)close(directory);
    return done;
}

/* FROM takes the place of TO, which must be free, and stays there over a power cut. */
static bool move(const char *from, const char *to, struct err *err)
{
    char plain[CLONE_PATH_MAX];
    if (!clone_path(plain, to, "", err))
        return false;
    if (rename(from, plain) == 0)
        return sync_parent(plain, err);
    int number = errno;
    if (number == ENOTEMPTY || number == EEXIST || number == ENOTDIR)
        return err_set(err, ERR_REFUSED, "'%s' is not empty", plain);
    (void)err_errno(err, number, "cannot make '%s' out of '%s'", plain, from);
    if (number == EBUSY || number == EXDEV) {
        (void)err_set(err, ERR_CONFIG,
                      "'%s' is a mount point, which nothing can take the place of: set PGDATA to a "
                      "directory in "
                      "it, as PGDATA=%s/pgdata",
                      plain, plain);
    }
    return false;
}

static bool install_space(const char *target, struct err *err)
{
    char path[CLONE_PATH_MAX];
    struct stat status;
    if (!clone_path(path, target, CLONE_STAGING_SUFFIX, err))
        return false;
    /* gone: it is at its place already */
    return lstat(path, &status) != 0 || move(path, target, err);
}

bool clone_install(const char *pgdata, struct err *err)
{
    char staging[CLONE_PATH_MAX], manifest[CLONE_PATH_MAX];
    struct stat status;
    if (!clone_path(staging, pgdata, CLONE_STAGING_SUFFIX, err) ||
        !clone_path(manifest, staging, "/backup_manifest", err))
        return false;
    if (lstat(manifest, &status) != 0)
        return err_set(err, ERR_BUG, "'%s' is no whole clone", staging);
    return each_space(staging, install_space, err) && move(staging, pgdata, err);
}
