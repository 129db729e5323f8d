#include "init/redis/volume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "init/sys/file.h"
#include "roles/redis_rdb.h"
#include "roles/text.h"

#define MARK_NAME "ordain.birth"
#define LOCK_NAME "ordain.lock"
#define ROWS_MAX 4096
#define FILE_MODE 0644

static bool read_table(struct volume_table *table, const char *dir, const char *name,
                       struct err *err)
{
    char path[4096];
    enum file_presence presence = FILE_ABSENT;
    table->text = buf_new(VOLUME_TABLE_CAP);
    table->table.myself = -1;
    if (!file_join(path, dir, name, err) || !file_read(path, &table->text, &presence, err))
        return false;
    table->there = presence == FILE_THERE && table->text.len > 0;
    if (!table->there)
        return true;
    size_t rows = text_lines((struct span){buf_text(&table->text), table->text.len});
    table->table.capacity = rows < ROWS_MAX ? rows : ROWS_MAX;
    table->table.nodes = calloc(table->table.capacity, sizeof(*table->table.nodes));
    if (table->table.nodes == NULL)
        return err_set(err, ERR_IO, "out of memory for '%s'", name);
    table->status = redis_table_parse(&table->table, buf_text(&table->text), table->text.len, true,
                                      &table->bad_line);
    if (table->status == REDIS_TABLE_EMPTY)
        table->there = false;
    return true;
}

static bool read_mark(const char *dir, struct birth_mark *mark, bool *there, struct err *err)
{
    char path[4096];
    struct buf text = buf_new(BIRTH_MARK_TEXT_MAX);
    enum file_presence presence = FILE_ABSENT;
    bool done = file_join(path, dir, MARK_NAME, err) && file_read(path, &text, &presence, err);
    if (done && presence == FILE_THERE) {
        enum birth_mark_status status = birth_mark_parse(mark, buf_text(&text), text.len);
        *there = status == BIRTH_MARK_OK;
        if (status == BIRTH_MARK_UNKNOWN_FORMAT)
            done = err_set(err, ERR_CONFIG, "'%s' is of a newer ordain: use that version", path);
        else if (status == BIRTH_MARK_BAD)
            done = err_set(
                err, ERR_REFUSED,
                "'%s' is garbage: put it back, or delete it if this volume is this pod's", path);
    }
    buf_free(&text);
    return done;
}

static bool ends_in(const char *name, const char *tail)
{
    size_t len = strlen(name);
    size_t tail_len = strlen(tail);
    return len >= tail_len && strcmp(name + len - tail_len, tail) == 0;
}

/* Is something in this dump (*.rdb) or append-only file (*.aof)? What cannot be read is not absent. A server
 * that is killed while it writes leaves halves behind ("temp-...") that no server ever loads (redis 7.0 rdb.c
 * rdbSave, aof.c rewriteAppendOnlyFile). */
static bool holds_keys(int dir_fd, const char *name)
{
    bool dump = ends_in(name, ".rdb");
    if ((!dump && !ends_in(name, ".aof")) || strncmp(name, "temp-", 5) == 0)
        return false;
    char head[REDIS_RDB_HEAD];
    int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    ssize_t len = fd >= 0 ? read(fd, head, sizeof(head)) : -1;
    bool is_dir = len < 0 && errno == EISDIR;
    if (fd >= 0)
        close(fd);
    if (len < 0)
        return !is_dir;
    return dump ? !redis_rdb_is_empty(head, (size_t)len) : len > 0;
}

/* Such files as redis 7 leaves them behind, whatever comes before these endings, here and one directory
 * below. Takes DIR_FD over. */
static bool find_keys(int dir_fd, int depth, bool *found, struct err *err)
{
    DIR *dir = fdopendir(dir_fd);
    if (dir == NULL) {
        int number = errno;
        close(dir_fd);
        return err_errno(err, number, "cannot list the data directory");
    }
    bool done = true;
    const struct dirent *entry;
    errno = 0;
    while (done && !*found && (entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        *found = holds_keys(dirfd(dir), name);
        bool maybe_dir = entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN;
        if (*found || depth > 0 || !maybe_dir || *name == '.' || strcmp(name, "lost+found") == 0)
            continue;
        int below = openat(dirfd(dir), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below >= 0)
            done = find_keys(below, depth + 1, found, err);
        else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
            done =
                err_errno(err, errno, "cannot look for keys in '%s' of the data directory", name);
        errno = 0;
    }
    if (done && !*found && errno != 0)
        done = err_errno(err, errno, "cannot list the data directory");
    closedir(dir);
    return done;
}

/* Opens NAME and locks it; -1 where it cannot be opened, which who writes finds out. */
static int lock_file(struct volume *volume, const char *name, int flags)
{
    char path[4096];
    struct err ignored;
    if (!file_join(path, volume->dir, name, &ignored))
        return -1;
    int fd = open(path, flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        volume->server_lives = true;
    return fd;
}

/* The directory itself is locked, so that a volume which is refused stays as it is; a file in it where the
 * file system takes no such lock (NFS wants a lock's file open for writing). */
static int lock_directory(struct volume *volume)
{
    int fd = open(volume->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (fd >= 0 && errno == EWOULDBLOCK) {
        volume->server_lives = true;
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return lock_file(volume, LOCK_NAME, O_CREAT);
}

bool volume_open(struct volume *volume, const char *dir, bool lock, struct err *err)
{
    memset(volume, 0, sizeof(*volume));
    volume->dir = dir;
    volume->lock = -1;
    volume->own_lock = -1;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return err_set(err, ERR_CONFIG,
                       "data directory '%s' is not there: mount the volume, or see --data-dir",
                       dir);
    if (fd < 0)
        return err_errno(err, errno, "cannot open data directory '%s'", dir);
    if (lock) {
        volume->lock = lock_file(volume, VOLUME_NODES, 0);
        volume->own_lock = lock_directory(volume);
    }
    if (find_keys(fd, 0, &volume->has_keys, err) &&
        read_table(&volume->nodes, dir, VOLUME_NODES, err) &&
        read_table(&volume->copy, dir, VOLUME_COPY, err) &&
        read_mark(volume->dir, &volume->mark, &volume->has_mark, err))
        return true;
    volume_close(volume);
    return false;
}

void volume_close(struct volume *volume)
{
    if (volume->lock >= 0)
        close(volume->lock);
    if (volume->own_lock >= 0)
        close(volume->own_lock);
    volume->lock = -1;
    volume->own_lock = -1;
    free(volume->nodes.table.nodes);
    free(volume->copy.table.nodes);
    buf_free(&volume->nodes.text);
    buf_free(&volume->copy.text);
    volume->nodes.table.nodes = NULL;
    volume->copy.table.nodes = NULL;
}

bool volume_table_text(const struct redis_table *table, struct buf *text, struct err *err)
{
    size_t size = 4096;
    for (size_t i = 0; i < table->count; i++)
        size += 1024 + table->nodes[i].slots.len + table->nodes[i].aux.len;
    char *out = malloc(size);
    size_t len = out != NULL ? redis_table_write(table, out, size) : 0;
    *text = buf_new(size);
    buf_add(text, out, len);
    free(out);
    if (len == 0 || !buf_ok(text)) {
        buf_free(text);
        return err_set(err, ERR_IO, "out of memory for the cluster's table");
    }
    return true;
}

static bool write_table(const struct volume *volume, const char *name,
                        const struct redis_table *table, size_t *changed, struct err *err)
{
    char path[4096];
    struct buf text;
    bool written = false;
    if (!file_join(path, volume->dir, name, err) || !volume_table_text(table, &text, err))
        return false;
    bool done = file_write(path, buf_text(&text), text.len, FILE_MODE, &written, err);
    buf_free(&text);
    *changed += written;
    return done;
}

bool volume_write_nodes(struct volume *volume, const struct redis_table *table, size_t *changed,
                        struct err *err)
{
    return write_table(volume, VOLUME_NODES, table, changed, err);
}

bool volume_write_copy(struct volume *volume, const struct redis_table *table, size_t *changed,
                       struct err *err)
{
    return write_table(volume, VOLUME_COPY, table, changed, err);
}

bool volume_write_mark(struct volume *volume, const struct birth_mark *mark, size_t *changed,
                       struct err *err)
{
    char path[4096];
    char text[BIRTH_MARK_TEXT_MAX];
    bool written = false;
    size_t len = birth_mark_write(mark, text);
    bool done = file_join(path, volume->dir, MARK_NAME, err) &&
                file_write(path, text, len, FILE_MODE, &written, err);
    *changed += written;
    return done;
}

const struct redis_table *volume_whole_copy(const struct volume *volume)
{
    const struct volume_table *copy = &volume->copy;
    bool whole = copy->there && copy->table.myself >= 0 &&
                 (copy->status == REDIS_TABLE_OK || copy->status == REDIS_TABLE_SHARD_IDS);
    return whole ? &copy->table : NULL;
}

void volume_leave_lock(struct volume *volume)
{
    if (volume->own_lock >= 0)
        (void)fcntl(volume->own_lock, F_SETFD, 0);
    volume->own_lock = -1;
}

void volume_table_problem(const struct volume_table *table, char text[static 96])
{
    const char *problem = redis_table_status_text(table->status);
    if (table->bad_line > 0)
        (void)snprintf(text, 96, "line %zu: %s", table->bad_line, problem);
    else
        (void)snprintf(text, 96, "%s", problem);
}

bool volume_peek_mark(const char *dir, struct birth_mark *mark)
{
    struct err ignored;
    bool there = false;
    return read_mark(dir, mark, &there, &ignored) && there;
}
