#include "init/postgres/datadir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/sys/disk.h"
#include "init/sys/file.h"

/* Without the slashes at its end. */
static size_t path_len(const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    return len;
}

bool datadir_check_path(const char *path, struct err *err)
{
    size_t len = path_len(path);
    return (path[0] == '/' && len > 1 && len + 64 <= sizeof((struct datadir *)NULL)->path) ||
           err_set(err, ERR_CONFIG, "PGDATA '%.200s' is no absolute path of a directory", path);
}

bool datadir_open(struct datadir *datadir, const char *path, struct err *err)
{
    size_t len = path_len(path);
    *datadir = (struct datadir){.lock = -1};
    if (!datadir_check_path(path, err))
        return false;
    memcpy(datadir->path, path, len);
    datadir->path[len] = '\0';
    struct stat status;
    if (lstat(datadir->path, &status) == 0 && S_ISLNK(status.st_mode)) {
        return err_set(err, ERR_REFUSED,
                       "PGDATA '%s' is a symbolic link, and a clone would take the link's place: "
                       "name the directory itself",
                       datadir->path);
    }
    if (disk_is_mount_point(datadir->path)) {
        return err_set(err, ERR_CONFIG,
                       "PGDATA '%s' is a volume's mount point, which cannot be renamed: keep the "
                       "mountPath and "
                       "set the environment variable PGDATA: %s/pgdata (data that lies in the "
                       "volume's root is "
                       "moved into that directory first)",
                       datadir->path, datadir->path);
    }
    return true;
}

void datadir_close(struct datadir *datadir)
{
    if (datadir->lock >= 0)
        (void)close(datadir->lock);
    datadir->lock = -1;
}

bool datadir_beside(const struct datadir *datadir, const char *suffix, char path[static 4096],
                    struct err *err)
{
    int len = snprintf(path, 4096, "%s%s", datadir->path, suffix);
    return len < 4096 || err_set(err, ERR_CONFIG, "PGDATA is too long a path");
}

bool datadir_below(const struct datadir *datadir, const char *name, char path[static 4096],
                   struct err *err)
{
    return file_join(path, datadir->path, name, err);
}

bool datadir_make_parents(const struct datadir *datadir, struct err *err)
{
    char path[4096];
    memcpy(path, datadir->path, sizeof path);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST && access(path, F_OK) != 0)
            return err_errno(err, errno, "cannot make '%s', which PGDATA lies in", path);
        *slash = '/';
    }
    return true;
}

bool datadir_lock(struct datadir *datadir, bool *held, struct err *err)
{
    char path[4096];
    *held = datadir->lock >= 0;
    if (*held)
        return true;
    if (!datadir_beside(datadir, DATADIR_LOCK, path, err))
        return false;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0)
        return err_errno(err, errno, "cannot open the volume's lock '%s'", path);
    *held = flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (*held) {
        datadir->lock = fd;
        return true;
    }
    int number = errno;
    (void)close(fd);
    return number == EWOULDBLOCK || err_errno(err, number, "cannot lock '%s'", path);
}

void datadir_leave_lock(struct datadir *datadir)
{
    if (datadir->lock >= 0)
        (void)fcntl(datadir->lock, F_SETFD, 0);
    datadir->lock = -1;
}

/* ---- moves */

static bool sync_parent(const struct datadir *datadir, struct err *err)
{
    char parent[4096];
    memcpy(parent, datadir->path, sizeof parent);
    char *slash = strrchr(parent, '/');
    slash[slash == parent] = '\0';
    return disk_sync_directory(parent, err);
}

bool datadir_move_aside(const struct datadir *datadir, const char *suffix, struct err *err)
{
    char path[4096];
    struct stat status;
    if (!datadir_beside(datadir, suffix, path, err))
        return false;
    if (lstat(path, &status) == 0)
        return err_set(err, ERR_REFUSED, "'%s' is there already, and nothing is put over it", path);
    if (rename(datadir->path, path) != 0)
        return err_errno(err, errno, "cannot rename '%s' to '%s'", datadir->path, path);
    return sync_parent(datadir, err);
}

bool datadir_remove_tree(const struct datadir *datadir, const char *suffix, struct err *err)
{
    char path[4096];
    if (*suffix == '\0')
        return err_set(err, ERR_BUG, "PGDATA itself is never removed");
    return datadir_beside(datadir, suffix, path, err) && disk_remove_tree(path, err);
}
