#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "init/postgres/clone_internal.h"
#include "init/postgres/clone_places.h"
#include "init/postgres/datadir.h"
#include "init/sys/clock.h"
#include "init/sys/disk.h"
#include "init/sys/file.h"

#define BEAT_NS CLOCK_S
#define MANIFEST_NAME "backup_manifest"
/* What a standby needs at once: a few segments of WAL. */
#define SPARE_BYTES ((uint64_t)64 << 20)

bool clone_staging_paths(struct clone *clone, struct err *err)
{
    const char *pgdata = clone->request->pgdata;
    clone->root = clone->mark_file = -1;
    return clone_path(clone->staging, pgdata, CLONE_STAGING_SUFFIX, err) &&
           clone_path(clone->mark, pgdata, DATADIR_CLONING, err);
}

bool clone_staging_mark(struct clone *clone, struct err *err)
{
    clone->mark_file =
        open(clone->mark, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
    clone->beat_ns = 0;
    clone_staging_beat(clone);
    return clone->mark_file >= 0 || err_errno(err, errno, "cannot make '%s'", clone->mark);
}

void clone_staging_beat(struct clone *clone)
{
    int64_t now_ns = clock_now_ns();
    if (clone->mark_file < 0 || now_ns - clone->beat_ns < BEAT_NS)
        return;
    clone->beat_ns = now_ns;
    (void)futimens(clone->mark_file, NULL);
}

void clone_staging_close(struct clone *clone)
{
    if (clone->root >= 0)
        (void)close(clone->root);
    if (clone->mark_file >= 0) {
        (void)close(clone->mark_file);
        (void)unlink(clone->mark);
    }
    for (size_t i = 0; i < clone->spaces.count; i++)
        if (*clone->spaces.list[i].oid != '\0' && clone->spaces.list[i].directory >= 0)
            (void)close(clone->spaces.list[i].directory);
}

/* Of a rate, so that nobody believes in the last byte. */
static bool check_space(const char *path, uint64_t need, struct err *err)
{
    char parent[CLONE_PATH_MAX];
    struct statvfs disk;
    clone_parent(parent, path);
    if (statvfs(parent, &disk) != 0)
        return err_errno(err, errno, "cannot see how much room '%s' has", parent);
    uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    need += SPARE_BYTES;
    return free_bytes >= need ||
           err_errno(
               err, ENOSPC,
               "the clone needs %llu MiB and '%s' has %llu MiB left: a larger volume, or make room",
               (unsigned long long)(need >> 20), parent, (unsigned long long)(free_bytes >> 20));
}

static int make_root(const char *path, bool group, struct err *err)
{
    int root = -1;
    if (mkdir(path, 0700) == 0)
        root = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* the mode again: a parent with setgid (fsGroup) hands the bit down */
    if (root < 0 || fchmod(root, group ? 0750 : 0700) != 0) {
        (void)err_errno(err, errno, "cannot make '%s'", path);
        if (root >= 0)
            (void)close(root);
        return -1;
    }
    return root;
}

static bool make_signal(const struct clone *clone, struct err *err)
{
    int file = openat(clone->root, "standby.signal",
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0 || close(file) != 0)
        return err_errno(err, errno, "cannot make '%s/standby.signal'", clone->staging);
    return true;
}

/* What is unpacked beside TARGET takes its place at the end; that it cannot is told before the first byte. */
static bool can_become(const char *target, struct err *err)
{
    if (disk_is_mount_point(target))
        return err_set(
            err, ERR_CONFIG,
            "the place of a tablespace, '%s', is a mount point, which nothing can take the "
            "place of: map it to a directory in it, as OLD=%s/space",
            target, target);
    return clone_place_is_free(target, err) ||
           (err->kind == ERR_REFUSED &&
            err_set(
                err, ERR_REFUSED,
                "the place of a tablespace, '%s', is not empty: where that belongs to data that is "
                "to be cloned anew, move it away (or remove it) together with PGDATA",
                target));
}

static bool make_space(struct clone_space *space, bool group, struct err *err)
{
    char path[CLONE_PATH_MAX];
    if (!clone_path(path, space->target, CLONE_STAGING_SUFFIX, err) ||
        !can_become(space->target, err) || !check_space(path, space->bytes, err) ||
        !disk_remove_tree(path, err))
        return false;
    space->directory = make_root(path, group, err);
    return space->directory >= 0;
}

bool clone_staging_make(struct clone *clone, struct err *err)
{
    /* Each against its own part; all against the sum where they share the file system. */
    if (!check_space(clone->staging, clone->spaces.bytes, err))
        return false;
    clone->root = make_root(clone->staging, clone->group, err);
    if (clone->root < 0 || !make_signal(clone, err))
        return false;
    for (size_t i = 0; i < clone->spaces.count; i++) {
        struct clone_space *space = &clone->spaces.list[i];
        if (*space->oid == '\0')
            space->directory = clone->root;
        else if (!make_space(space, clone->group, err))
            return false;
    }
    return true;
}

bool clone_staging_finish(struct clone *clone, struct err *err)
{
    for (size_t i = 0; i < clone->spaces.count; i++) {
        const struct clone_space *space = &clone->spaces.list[i];
        clone_staging_beat(clone);
        if (!disk_sync_tree(space->directory, *space->oid != '\0' ? space->target : clone->staging,
                            err))
            return false;
    }
    if (renameat(clone->root, MANIFEST_NAME ".tmp", clone->root, MANIFEST_NAME) != 0 ||
        fsync(clone->root) != 0)
        return err_errno(err, errno, "cannot make '%s/" MANIFEST_NAME "'", clone->staging);
    return true;
}
