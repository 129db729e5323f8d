#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/register/backend.h"
#include "init/sys/buf.h"
#include "init/sys/clock.h"
#include "init/sys/file.h"
#include "init/sys/log.h"

/* Nothing in it is secret; pods of different users share it by their group. */
#define MODE 0664
#define LOCK_PAUSE_MIN_MS 2
#define LOCK_PAUSE_MAX_MS 50
#define LOCK_QUIET_NS CLOCK_S

struct place {
    char dir[4096];
    char path[4096];
    char lock_path[4096];
    int lock; /* -1: not held */
};

bool register_file_open(void **data, const char *path, const char *statefulset, struct err *err)
{
    char name[512];
    struct place *place = calloc(1, sizeof *place);
    if (place == NULL)
        return err_set(err, ERR_IO, "out of memory for the register");
    place->lock = -1;
    (void)snprintf(name, sizeof name, ".%s-ordain.lock", statefulset);
    bool good = strlen(path) < sizeof place->dir && file_join(place->lock_path, path, name, err);
    (void)snprintf(name, sizeof name, "%s-ordain", statefulset);
    if (!good || !file_join(place->path, path, name, err)) {
        free(place);
        return err_set(err, ERR_CONFIG, "ORDAIN_REGISTER's path '%.60s...' is too long", path);
    }
    memcpy(place->dir, path, strlen(path) + 1);
    *data = place;
    return true;
}

/* A missing directory must not look like a register that nobody has written yet. */
static bool check_dir(const struct place *place, struct err *err)
{
    struct stat status;
    if (stat(place->dir, &status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
            return err_set(err, ERR_CONFIG, "the register directory '%s' does not exist",
                           place->dir);
        }
        return err_errno(err, errno, "cannot look at the register directory '%s'", place->dir);
    }
    return S_ISDIR(status.st_mode) ||
           err_set(err, ERR_CONFIG, "the register '%s' is no directory", place->dir);
}

static bool load(void *data, struct register_table *table, int64_t deadline_ns, struct err *err)
{
    (void)deadline_ns; /* a local file; a network disk that hangs cannot be interrupted */
    const struct place *place = data;
    struct buf text = buf_new(REGISTER_BYTES_MAX);
    enum file_presence presence = FILE_ABSENT;
    size_t bad_line = 0;
    bool good = check_dir(place, err) && file_read(place->path, &text, &presence, err);
    if (!good || presence == FILE_ABSENT)
        goto out;
    if (text.len == 0) {
        good =
            err_set(err, ERR_CONFIG,
                    "the register '%s' is empty, which ordain never writes: restore it, or remove "
                    "it if no pod of this set was ever started",
                    place->path);
    } else if (!register_table_parse(table, buf_text(&text), text.len, &bad_line)) {
        good = bad_line == 0
                   ? err_set(err, ERR_IO, "out of memory for the register")
                   : err_set(err, ERR_CONFIG,
                             "the register '%s' cannot be understood from line %zu on: it "
                             "is damaged, or of a newer version of ordain",
                             place->path, bad_line);
    }
out:
    buf_free(&text);
    return good;
}

/* Opens the lock file, made where it is missing; -1 with errno. */
static int open_lock(const char *path)
{
    int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    int fd = open(path, flags | O_CREAT | O_EXCL, MODE);
    if (fd >= 0) {
        (void)fchmod(fd, MODE); /* whatever the umask */
        return fd;
    }
    return errno == EEXIST ? open(path, flags) : -1;
}

/* True when FD is still the file at PATH: a lock on a file that was removed holds nobody off. */
static bool is_still(int fd, const char *path)
{
    struct stat held;
    struct stat there;
    return fstat(fd, &held) == 0 && stat(path, &there) == 0 && held.st_dev == there.st_dev &&
           held.st_ino == there.st_ino;
}

static bool lock(struct place *place, int64_t deadline_ns, struct err *err)
{
    int64_t since_ns = clock_now_ns();
    int64_t pause_ms = LOCK_PAUSE_MIN_MS;
    for (;;) {
        int fd = open_lock(place->lock_path);
        if (fd < 0)
            return err_errno(err, errno, "cannot open the register's lock '%s'", place->lock_path);
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            if (is_still(fd, place->lock_path)) {
                place->lock = fd;
                return true;
            }
        } else if (errno != EWOULDBLOCK && errno != EINTR) {
            err_errno(err, errno, "cannot lock '%s'", place->lock_path);
            (void)close(fd);
            return false;
        }
        (void)close(fd);
        if (clock_now_ns() - since_ns > LOCK_QUIET_NS)
            log_wait("the register's lock '%s'", place->lock_path);
        if (!clock_pause(pause_ms, deadline_ns)) {
            return err_set(err, ERR_LATER, "the register's lock '%s' is held by another pod",
                           place->lock_path);
        }
        pause_ms = pause_ms * 2 < LOCK_PAUSE_MAX_MS ? pause_ms * 2 : LOCK_PAUSE_MAX_MS;
    }
}

static bool begin(void *data, struct register_table *table, int64_t deadline_ns, struct err *err)
{
    struct place *place = data;
    if (!check_dir(place, err))
        return false;
    bool held = lock(place, deadline_ns, err);
    log_wait_end();
    return held && load(data, table, deadline_ns, err);
}

static bool commit(void *data, const struct register_table *table, enum register_outcome *outcome,
                   int64_t deadline_ns, struct err *err)
{
    (void)deadline_ns;
    const struct place *place = data;
    struct buf text = buf_new(REGISTER_BYTES_MAX);
    register_table_write(table, &text);
    bool good =
        buf_ok(&text) || err_set(err, ERR_CONFIG, "the register '%s' would exceed %zu bytes",
                                 place->path, REGISTER_BYTES_MAX);
    good = good && file_write(place->path, buf_text(&text), text.len, MODE, NULL, err);
    *outcome = good ? REGISTER_STORED : REGISTER_FAILED;
    buf_free(&text);
    return good;
}

static void end(void *data)
{
    struct place *place = data;
    if (place->lock >= 0) {
        (void)close(place->lock);
        place->lock = -1;
    }
}

static void close_place(void *data)
{
    end(data);
    free(data);
}

const struct register_backend register_file = {
    .kind = REGISTER_FILE,
    .load = load,
    .begin = begin,
    .commit = commit,
    .end = end,
    .close = close_place,
};
