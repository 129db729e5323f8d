#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "init/sys/perms_internal.h"

/* statx(2), struct statx, as Linux lays it out. Own names, because musl before 1.2.4 has none and
 * later ones lack stx_mnt_id, while <linux/stat.h> cannot be had together with <sys/stat.h>. */
struct kernel_time {
    int64_t seconds;
    uint32_t nanoseconds;
    int32_t reserved;
};

struct kernel_statx {
    uint32_t mask, block_size;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, spare;
    uint64_t ino, size, blocks, attributes_mask;
    struct kernel_time times[4];
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t mount;
    uint64_t rest[13];
};
_Static_assert(sizeof(struct kernel_statx) == 256, "struct statx is 256 bytes");

enum {
    WANT_BASIC = 0x7ff,   /* STATX_BASIC_STATS */
    WANT_MOUNT = 0x1000,  /* STATX_MNT_ID, since 5.8 */
    IS_IMMUTABLE = 0x10,  /* STATX_ATTR_IMMUTABLE */
    IS_APPEND_ONLY = 0x20 /* STATX_ATTR_APPEND */
};

/* Where a seccomp filter forbids statx. */
static int look_by_stat(int dir_fd, const char *name, struct perms_entry *entry)
{
    struct stat status;
    int flags = AT_SYMLINK_NOFOLLOW | (name[0] == '\0' ? AT_EMPTY_PATH : 0);
    if (fstatat(dir_fd, name, &status, flags) != 0)
        return errno;
    *entry = (struct perms_entry){
        .dev = status.st_dev,
        .ino = status.st_ino,
        .uid = status.st_uid,
        .gid = status.st_gid,
        .nlink = (uint32_t)status.st_nlink,
        .mode = (uint16_t)status.st_mode,
    };
    return 0;
}

int perms_look(int dir_fd, const char *name, struct perms_entry *entry)
{
    struct kernel_statx status;
    int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (name[0] == '\0' ? AT_EMPTY_PATH : 0);
    if (syscall(SYS_statx, dir_fd, name, flags, WANT_BASIC | WANT_MOUNT, &status) != 0)
        return errno == ENOSYS || errno == EPERM ? look_by_stat(dir_fd, name, entry) : errno;
    *entry = (struct perms_entry){
        .dev = makedev(status.dev_major, status.dev_minor),
        .ino = status.ino,
        .mount = (status.mask & WANT_MOUNT) != 0 ? status.mount : 0,
        .uid = status.uid,
        .gid = status.gid,
        .nlink = status.nlink,
        .mode = status.mode,
        .immutable = (status.attributes & (IS_IMMUTABLE | IS_APPEND_ONLY)) != 0,
    };
    return 0;
}

long perms_read(int fd, void *buffer, size_t size)
{
    long filled = syscall(SYS_getdents64, fd, buffer, size);
    return filled < 0 ? -errno : filled;
}

/* getdents64(2), struct linux_dirent64: ino and offset of 8 bytes each, then these. */
enum { RECORD_LENGTH_AT = 16, RECORD_TYPE_AT = 18, RECORD_NAME_AT = 19 };

struct perms_name perms_next(const char *buffer, size_t *at)
{
    const char *record = buffer + *at;
    uint16_t length;
    memcpy(&length, record + RECORD_LENGTH_AT, sizeof length);
    *at += length;
    return (struct perms_name){.name = record + RECORD_NAME_AT,
                               .type = (unsigned char)record[RECORD_TYPE_AT]};
}

int perms_open_by_names(const char *path)
{
    int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (fd >= 0) {
        path += strspn(path, "/");
        size_t length = strcspn(path, "/");
        if (length == 0)
            return fd;
        char name[256];
        int next = -1;
        errno = ENAMETOOLONG;
        if (length < sizeof name) {
            memcpy(name, path, length);
            name[length] = '\0';
            next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        }
        int number = errno;
        (void)close(fd);
        errno = number;
        fd = next;
        path += length;
    }
    return -errno;
}

int perms_open_path(const char *path)
{
    struct open_how how = {
        .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    int slash = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (slash < 0)
        return -errno;
    path += strspn(path, "/");
    long fd = syscall(SYS_openat2, slash, path[0] == '\0' ? "." : path, &how, sizeof how);
    int number = errno;
    (void)close(slash);
    if (fd >= 0)
        return (int)fd;
    /* EPERM: a seccomp filter older than the call; O_PATH itself never says so */
    return number == ENOSYS || number == EPERM || number == EINVAL || number == E2BIG
               ? perms_open_by_names(path)
               : -number;
}
