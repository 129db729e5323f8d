#include "init/sys/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "roles/text.h"

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
#define DEPTH_MAX 256
/* STATX_ATTR_MOUNT_ROOT of linux/stat.h, since Linux 5.8; not every C library has the name. */
#define MOUNT_ROOT 0x2000

bool disk_is_mount_point(const char *path)
{
    struct statx status;
    return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &status) == 0 &&
           (status.stx_attributes & MOUNT_ROOT) != 0;
}

/* What is done to each entry: NAME in PARENT; of a directory after all that is in it. */
typedef bool (*disk_act)(int parent, const char *name, bool is_directory);

static bool walk(int directory, disk_act act, int depth);

static bool walk_entry(int parent, const char *name, disk_act act, int depth)
{
    int directory = openat(parent, name, DIRECTORY_FLAGS);
    if (directory < 0 && errno != ENOTDIR && errno != ELOOP && errno != ENXIO)
        return errno == ENOENT;
    if (directory >= 0 && !walk(directory, act, depth + 1))
        return false;
    return act(parent, name, directory >= 0);
}

/* Takes DIRECTORY over. False with errno. */
static bool walk(int directory, disk_act act, int depth)
{
    DIR *listing = depth < DEPTH_MAX ? fdopendir(directory) : NULL;
    if (listing == NULL) {
        int number = depth < DEPTH_MAX ? errno : ENAMETOOLONG;
        (void)close(directory);
        errno = number;
        return false;
    }
    bool done = true;
    const struct dirent *entry;
    while (done && (errno = 0, entry = readdir(listing)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            done = walk_entry(dirfd(listing), entry->d_name, act, depth);
    int number = errno;
    (void)closedir(listing);
    errno = number;
    return done && number == 0;
}

static bool remove_entry(int parent, const char *name, bool is_directory)
{
    bool done = unlinkat(parent, name, is_directory ? AT_REMOVEDIR : 0) == 0 || errno == ENOENT;
    if (done)
        errno = 0;
    return done;
}

bool disk_remove_tree(const char *path, struct err *err)
{
    if (!walk_entry(AT_FDCWD, path, remove_entry, 0))
        return err_errno(err, errno, "cannot remove '%s'", path);
    return true;
}

bool disk_empty(const char *path, struct err *err)
{
    int directory = open(path, DIRECTORY_FLAGS);
    if (directory < 0 || !walk(directory, remove_entry, 0))
        return err_errno(err, errno, "cannot empty '%s'", path);
    return true;
}

static bool sync_entry(int parent, const char *name, bool is_directory)
{
    struct stat status;
    if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    if (!is_directory && !S_ISREG(status.st_mode))
        return true;
    int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    int number = errno;
    if (fd >= 0)
        (void)close(fd);
    errno = done ? 0 : number;
    return done;
}

/* syncfs(2): "In mainline kernel versions prior to Linux 5.8, syncfs() will fail only when passed a bad file
 * descriptor". */
static bool syncfs_tells_failures(void)
{
    struct utsname kernel;
    uint64_t major = 0, minor = 0;
    if (uname(&kernel) != 0)
        return false;
    struct span release = {kernel.release, strlen(kernel.release)}, rest = {0};
    if (!text_u64(text_cut(release, '.', &rest), &major) || rest.data == NULL ||
        !text_u64((struct span){rest.data, strspn(rest.data, "0123456789")}, &minor))
        return false;
    return major > 5 || (major == 5 && minor >= 8);
}

bool disk_sync_tree(int root, const char *path, struct err *err)
{
    if (syncfs_tells_failures())
        return syncfs(root) == 0 || err_errno(err, errno, "cannot write '%s' to the disk", path);
    int directory = openat(root, ".", DIRECTORY_FLAGS);
    if (directory < 0 || !walk(directory, sync_entry, 0) || fsync(root) != 0)
        return err_errno(err, errno, "cannot write '%s' to the disk", path);
    return true;
}

bool disk_sync_directory(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (!synced)
        err_errno(err, errno, "cannot sync the directory '%s'", path);
    if (fd >= 0)
        (void)close(fd);
    return synced;
}
