#include "init/postgres/clone_unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "roles/crc32c.h"

#define WRITE_BACK_BYTES ((uint64_t)8 << 20)
/* Files below are left to the sync at the end: a call for each would cost more than it spares. */
#define WRITE_BACK_LEAST ((uint64_t)256 << 10)
#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

void clone_unpack_open(struct clone_unpack *unpack, struct clone_files *files,
                       const struct clone_spaces *spaces, bool group)
{
    memset(unpack, 0, sizeof(*unpack));
    unpack->files = files;
    unpack->spaces = spaces;
    unpack->group = group;
    unpack->root = unpack->parent = unpack->file = -1;
}

static void drop(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

void clone_unpack_close(struct clone_unpack *unpack)
{
    drop(&unpack->file);
    drop(&unpack->parent);
}

bool clone_unpack_begin(struct clone_unpack *unpack, const struct clone_space *space,
                        struct err *err)
{
    tar_stream_begin(&unpack->tar);
    drop(&unpack->parent);
    unpack->root = space->directory;
    unpack->prefix[0] = '\0';
    if (*space->oid != '\0' && snprintf(unpack->prefix, sizeof(unpack->prefix), "pg_tblspc/%s/",
                                        space->oid) >= (int)sizeof(unpack->prefix))
        return err_set(err, ERR_LATER, "the backup names a tablespace '%s'", space->oid);
    return true;
}

static bool local_error(const struct clone_unpack *unpack, const char *what, struct err *err)
{
    return err_errno(err, errno, "cannot %s '%s%s' of the clone", what, unpack->prefix,
                     unpack->tar.entry.name);
}

/* The directory NAME below ROOT, component by component. */
static int open_below(int root, const char *name)
{
    char copy[TAR_STREAM_NAME_MAX];
    (void)snprintf(copy, sizeof(copy), "%s", name);
    int at = openat(root, ".", DIRECTORY_FLAGS);
    char *rest = copy;
    while (at >= 0 && rest != NULL && *rest != '\0') {
        const char *component = strsep(&rest, "/");
        int next = openat(at, component, DIRECTORY_FLAGS);
        int number = errno;
        (void)close(at);
        errno = number;
        at = next;
    }
    return at;
}

/* Opens the directory that the entry is in, unless it is open from the one before; *leaf is its last component. */
static bool open_parent(struct clone_unpack *unpack, const char **leaf, struct err *err)
{
    char parent[TAR_STREAM_NAME_MAX] = "";
    const char *name = unpack->tar.entry.name;
    const char *slash = strrchr(name, '/');
    if (slash != NULL)
        (void)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - name), name);
    *leaf = slash != NULL ? slash + 1 : name;
    if (unpack->parent >= 0 && strcmp(parent, unpack->parent_name) == 0)
        return true;
    drop(&unpack->parent);
    unpack->parent = open_below(unpack->root, parent);
    memcpy(unpack->parent_name, parent, sizeof(parent));
    return unpack->parent >= 0 || local_error(unpack, "open the directory of", err);
}

/* The server's rights for the owner and, where it lets its group read, the group; nobody else's. */
static mode_t mode_of(const struct clone_unpack *unpack)
{
    mode_t allowed = unpack->group ? 0750 : 0700;
    return (unpack->tar.entry.mode & allowed) | 0600;
}

static bool make_directory(struct clone_unpack *unpack, const char *leaf, struct err *err)
{
    if (mkdirat(unpack->parent, leaf, 0700) != 0 && errno != EEXIST)
        return local_error(unpack, "make", err);
    int directory = openat(unpack->parent, leaf, DIRECTORY_FLAGS);
    bool done = directory >= 0 && fchmod(directory, mode_of(unpack) | 0100) == 0;
    if (!done)
        (void)local_error(unpack, "make", err);
    drop(&directory);
    return done;
}

static bool make_file(struct clone_unpack *unpack, const char *leaf, struct err *err)
{
    /* Ours is there before the first byte of the backup; a standby sends its own. */
    bool ours = strcmp(unpack->tar.entry.name, "standby.signal") == 0 && *unpack->prefix == '\0';
    int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC | (ours ? O_TRUNC : O_EXCL);
    unpack->file = openat(unpack->parent, leaf, flags, 0600);
    if (unpack->file < 0 || (mode_of(unpack) != 0600 && fchmod(unpack->file, mode_of(unpack)) != 0))
        return local_error(unpack, "make", err);
    unpack->crc = 0;
    unpack->written = unpack->started = 0;
    return true;
}

/* The one link that a server sends: pg_tblspc/OID, where a tablespace is (basebackup.c sendDir). */
static bool make_link(struct clone_unpack *unpack, const char *leaf, struct err *err)
{
    const struct clone_space *space =
        strcmp(unpack->parent_name, "pg_tblspc") == 0 && *unpack->prefix == '\0'
            ? clone_spaces_find(unpack->spaces, leaf)
            : NULL;
    if (space == NULL)
        return err_set(err, ERR_REFUSED,
                       "the backup has a symbolic link that is no tablespace: '%s'",
                       unpack->tar.entry.name);
    return symlinkat(space->target, unpack->parent, leaf) == 0 || local_error(unpack, "make", err);
}

static bool begin_entry(struct clone_unpack *unpack, struct err *err)
{
    const char *leaf;
    if (!open_parent(unpack, &leaf, err))
        return false;
    switch (unpack->tar.entry.type) {
    case TAR_STREAM_FILE:
        return make_file(unpack, leaf, err);
    case TAR_STREAM_DIRECTORY:
        return make_directory(unpack, leaf, err);
    case TAR_STREAM_LINK:
        return make_link(unpack, leaf, err);
    }
    return false;
}

/* Begins to write to the disk what lies in the page cache, and waits for nothing. */
static void write_back(struct clone_unpack *unpack, uint64_t least)
{
    uint64_t len = unpack->written - unpack->started;
    if (len < least)
        return;
    (void)sync_file_range(unpack->file, (off_t)unpack->started, (off_t)len, SYNC_FILE_RANGE_WRITE);
    unpack->started = unpack->written;
}

bool clone_unpack_flush(struct clone_unpack *unpack, struct err *err)
{
    struct iovec *at = unpack->pieces;
    int left = unpack->piece_count;
    unpack->piece_count = 0;
    while (left > 0) {
        ssize_t done = writev(unpack->file, at, left);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return local_error(unpack, "write", err);
        unpack->written += (uint64_t)done;
        for (; left > 0 && (size_t)done >= at->iov_len; left--, at++)
            done -= (ssize_t)at->iov_len;
        if (left > 0) {
            at->iov_base = (char *)at->iov_base + done;
            at->iov_len -= (size_t)done;
        }
    }
    if (unpack->file >= 0)
        write_back(unpack, WRITE_BACK_BYTES);
    return true;
}

static bool add_piece(struct clone_unpack *unpack, struct span data, struct err *err)
{
    unpack->crc = crc32c(unpack->crc, data.data, data.len);
    if (unpack->piece_count == CLONE_UNPACK_PIECES && !clone_unpack_flush(unpack, err))
        return false;
    unpack->pieces[unpack->piece_count++] =
        (struct iovec){.iov_base = (void *)data.data, .iov_len = data.len};
    return true;
}

static bool end_entry(struct clone_unpack *unpack, struct err *err)
{
    if (unpack->tar.entry.type != TAR_STREAM_FILE)
        return true;
    if (!clone_unpack_flush(unpack, err))
        return false;
    write_back(unpack, WRITE_BACK_LEAST);
    int file = unpack->file;
    unpack->file = -1;
    if (close(file) != 0)
        return local_error(unpack, "write", err);
    char name[CLONE_UNPACK_NAME_MAX];
    (void)snprintf(name, sizeof(name), "%s%s", unpack->prefix, unpack->tar.entry.name);
    enum clone_files_status added =
        clone_files_add(unpack->files, name, unpack->written, unpack->crc);
    if (added == CLONE_FILES_FULL)
        return err_set(err, ERR_IO, "out of memory for the list of the backup's files");
    return added == CLONE_FILES_OK || err_set(err, ERR_LATER, "the backup has '%s' twice", name);
}

static bool refused(const struct clone_unpack *unpack, struct err *err)
{
    static const char *const problems[] = {
        [TAR_STREAM_BAD_CHECKSUM] = "damaged",
        [TAR_STREAM_BAD_HEADER] = "damaged",
        [TAR_STREAM_UNSAFE_NAME] = "a name that leads elsewhere",
        [TAR_STREAM_BAD_TYPE] = "an entry that no server sends",
        [TAR_STREAM_TRAILING] = "more after its end",
        [TAR_STREAM_CUT] = "cut off",
    };
    enum tar_stream_problem problem = tar_stream_finish(&unpack->tar);
    bool hostile = problem == TAR_STREAM_UNSAFE_NAME || problem == TAR_STREAM_BAD_TYPE;
    return err_set(err, hostile ? ERR_REFUSED : ERR_LATER,
                   "the backup's archive cannot be read: %s", problems[problem]);
}

bool clone_unpack_feed(struct clone_unpack *unpack, struct span bytes, struct err *err)
{
    for (;;) {
        struct span data;
        bool done = true;
        switch (tar_stream_next(&unpack->tar, &bytes, &data)) {
        case TAR_STREAM_MORE:
            return true;
        case TAR_STREAM_ENTRY:
            done = begin_entry(unpack, err);
            break;
        case TAR_STREAM_DATA:
            done = add_piece(unpack, data, err);
            break;
        case TAR_STREAM_ENTRY_END:
            done = end_entry(unpack, err);
            break;
        case TAR_STREAM_END:
            break;
        case TAR_STREAM_REFUSED:
            return refused(unpack, err);
        }
        if (!done)
            return false;
    }
}

bool clone_unpack_end(struct clone_unpack *unpack, struct err *err)
{
    drop(&unpack->parent);
    return tar_stream_finish(&unpack->tar) == TAR_STREAM_FINE || refused(unpack, err);
}
