#include "init/sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/sys/random.h"

#define SECRET_MAX ((size_t)64 * 1024)
#define TEMPORARY_MARK ".ordain-"
#define TEMPORARY_SUFFIX_LEN 8

/* A path taken apart: the directory, open, and the last component. */
struct place {
    int dir;
    const char *name;
};

static bool read_all(int fd, const char *path, struct buf *buf, struct err *err)
{
    char chunk[16384];
    for (;;) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got == 0)
            return true;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, "cannot read '%s'", path);
        buf_add(buf, chunk, (size_t)got);
        if (!buf_ok(buf))
            return err_set(err, ERR_CONFIG, "'%s' is larger than %zu bytes", path, buf->cap);
    }
}

bool file_read(const char *path, struct buf *buf, enum file_presence *presence, struct err *err)
{
    buf_clear(buf);
    /* O_NONBLOCK: opening a pipe must not wait for its writer */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && presence != NULL) {
        *presence = FILE_ABSENT;
        return true;
    }
    if (fd < 0) {
        int number = errno;
        err_errno(err, number, "cannot open '%s'", path);
        if (number == ENOENT || number == ENOTDIR || number == ELOOP)
            err->kind = ERR_CONFIG;
        return false;
    }
    bool done = false;
    struct stat status;
    if (fstat(fd, &status) != 0) {
        err_errno(err, errno, "cannot read '%s'", path);
        goto out;
    }
    if (!S_ISREG(status.st_mode)) {
        err_set(err, ERR_CONFIG, "'%s' is %s, not a regular file", path,
                S_ISDIR(status.st_mode) ? "a directory" : "a device, pipe or socket");
        goto out;
    }
    if (!read_all(fd, path, buf, err))
        goto out;
    if (presence != NULL)
        *presence = FILE_THERE;
    done = true;
out:
    (void)close(fd);
    return done;
}

static bool place_open(struct place *place, const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    place->name = slash != NULL ? slash + 1 : path;
    if (place->name[0] == '\0' || strcmp(place->name, ".") == 0 || strcmp(place->name, "..") == 0)
        return err_set(err, ERR_CONFIG, "'%s' names no file", path);
    char dir[PATH_MAX];
    size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    if (length >= sizeof dir)
        return err_set(err, ERR_CONFIG, "the path '%.60s...' is too long", path);
    memcpy(dir, path, length);
    dir[length] = '\0';
    place->dir = open(length == 0 ? "." : dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->dir < 0) {
        int number = errno;
        err_errno(err, number, "cannot open the directory '%s'", length == 0 ? "." : dir);
        if (number == ENOENT || number == ENOTDIR || number == ELOOP)
            err->kind = ERR_CONFIG;
        return false;
    }
    return true;
}

static bool sync_dir(int dir, const char *path, struct err *err)
{
    /* EINVAL: a file system that has no such thing (some network and user-space ones) */
    if (fsync(dir) != 0 && errno != EINVAL && errno != ENOTSUP)
        return err_errno(err, errno, "cannot sync the directory of '%s'", path);
    return true;
}

/* True when the file at PLACE is a regular one, no link, with exactly DATA and MODE. */
static bool is_already(const struct place *place, const char *data, size_t len, mode_t mode)
{
    int fd =
        openat(place->dir, place->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool same = false;
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & 07777) != mode ||
        (size_t)status.st_size != len)
        goto out;
    size_t done = 0;
    while (done < len) {
        char chunk[16384];
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || (size_t)got > len - done || memcmp(chunk, data + done, (size_t)got) != 0)
            goto out;
        done += (size_t)got;
    }
    same = true;
out:
    (void)close(fd);
    return same;
}

static bool is_temporary_of(const char *entry, const char *name)
{
    size_t length = strlen(name);
    return entry[0] == '.' && strncmp(entry + 1, name, length) == 0 &&
           strncmp(entry + 1 + length, TEMPORARY_MARK, strlen(TEMPORARY_MARK)) == 0 &&
           strlen(entry) == 1 + length + strlen(TEMPORARY_MARK) + TEMPORARY_SUFFIX_LEN;
}

/* Removes what killed writers of this file left. A living writer holds the lock of its own. */
static void remove_leftovers(const struct place *place)
{
    int copy = openat(place->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = copy < 0 ? NULL : fdopendir(copy);
    if (stream == NULL) {
        if (copy >= 0)
            (void)close(copy);
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(stream)) != NULL) {
        if (!is_temporary_of(entry->d_name, place->name))
            continue;
        int fd = openat(place->dir, entry->d_name,
                        O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd >= 0) {
            if (flock(fd, LOCK_EX | LOCK_NB) == 0)
                (void)unlinkat(place->dir, entry->d_name, 0);
            (void)close(fd);
        }
    }
    (void)closedir(stream);
}

/* A new, locked file beside the target; -1 with errno. NAME is NAME_MAX + 1 bytes. */
static int temporary_open(const struct place *place, char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (int attempt = 0; attempt < 16; attempt++) {
        char suffix[TEMPORARY_SUFFIX_LEN + 1] = "";
        for (size_t i = 0; i < TEMPORARY_SUFFIX_LEN; i++)
            suffix[i] = letters[random_below(sizeof letters - 1)];
        int length = snprintf(name, NAME_MAX + 1, ".%s" TEMPORARY_MARK "%s", place->name, suffix);
        if (length < 0 || length > NAME_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = openat(place->dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 && errno != EEXIST)
            return -1;
        struct stat status;
        /* another writer's cleaning may have come between: its lock first, then no name is left */
        if (fd >= 0) {
            (void)flock(fd, LOCK_EX);
            if (fstat(fd, &status) == 0 && status.st_nlink > 0)
                return fd;
            (void)close(fd);
        }
    }
    errno = EEXIST;
    return -1;
}

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, data, len);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0) {
            data += put;
            len -= (size_t)put;
        }
    }
    return true;
}

static bool explain_rename(int number, const char *path, struct err *err)
{
    if (number == EBUSY) {
        return err_set(err, ERR_CONFIG,
                       "cannot replace '%s': it is a mount of a single file (subPath); mount its "
                       "directory instead",
                       path);
    }
    if (number == EISDIR || number == ENOTEMPTY || number == EEXIST)
        return err_set(err, ERR_CONFIG, "cannot replace '%s': it is a directory", path);
    return err_errno(err, number, "cannot replace '%s'", path);
}

static bool replace(const struct place *place, const char *path, const char *data, size_t len,
                    mode_t mode, struct err *err)
{
    char temporary[NAME_MAX + 1];
    int fd = temporary_open(place, temporary);
    if (fd < 0)
        return err_errno(err, errno, "cannot write '%s'", path);
    bool done = false;
    if (!write_all(fd, data, len) || fchmod(fd, mode) != 0 || fsync(fd) != 0)
        err_errno(err, errno, "cannot write '%s'", path);
    else if (renameat(place->dir, temporary, place->dir, place->name) != 0)
        explain_rename(errno, path, err);
    else
        done = true;
    if (!done)
        (void)unlinkat(place->dir, temporary, 0);
    (void)close(fd);
    return done && sync_dir(place->dir, path, err);
}

bool file_write(const char *path, const char *data, size_t len, mode_t mode, bool *written,
                struct err *err)
{
    struct place place;
    if (!place_open(&place, path, err))
        return false;
    bool same = is_already(&place, data, len, mode);
    bool done;
    if (same) {
        done = sync_dir(place.dir, path, err); /* a run that was killed may have left that out */
    } else {
        remove_leftovers(&place);
        done = replace(&place, path, data, len, mode, err);
    }
    (void)close(place.dir);
    if (done && written != NULL)
        *written = !same;
    return done;
}

bool file_remove(const char *path, struct err *err)
{
    struct place place;
    if (!place_open(&place, path, err))
        return false;
    bool done = true;
    if (unlinkat(place.dir, place.name, 0) == 0)
        done = sync_dir(place.dir, path, err);
    else if (errno != ENOENT)
        done = err_errno(err, errno, "cannot remove '%s'", path);
    (void)close(place.dir);
    return done;
}

bool file_join(char path[static 4096], const char *dir, const char *name, struct err *err)
{
    size_t length = strlen(dir);
    const char *between = length == 0 || dir[length - 1] == '/' ? "" : "/";
    int written = snprintf(path, 4096, "%s%s%s", dir, between, name);
    if (written < 0 || written >= 4096)
        return err_set(err, ERR_CONFIG, "the path '%.60s.../%.60s' is too long", dir, name);
    return true;
}

bool file_read_secret(const char *path, struct buf *buf, struct err *err)
{
    struct buf text = buf_new(SECRET_MAX < buf->cap ? SECRET_MAX : buf->cap);
    bool done = false;
    if (!file_read(path, &text, NULL, err)) {
        err_wrap(err, "secret file");
        goto out;
    }
    if (text.len > 0 && text.data[text.len - 1] == '\n')
        text.data[--text.len] = '\0';
    if (text.len == 0) {
        err_set(err, ERR_CONFIG, "the secret file '%s' is empty", path);
    } else if (memchr(text.data, '\0', text.len) != NULL ||
               memchr(text.data, '\r', text.len) != NULL ||
               memchr(text.data, '\n', text.len) != NULL) {
        err_set(err, ERR_CONFIG,
                "the secret file '%s' holds a line break or a NUL: it must be one line", path);
    } else {
        buf_clear(buf);
        buf_add(buf, text.data, text.len);
        done =
            buf_ok(buf) || err_set(err, ERR_CONFIG, "out of memory for the secret file '%s'", path);
    }
out:
    if (text.data != NULL)
        explicit_bzero(text.data, text.size);
    buf_free(&text);
    return done;
}
