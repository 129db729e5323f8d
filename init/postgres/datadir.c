#include "init/postgres/datadir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "init/sys/clock.h"
#include "init/sys/disk.h"
#include "init/sys/file.h"
#include "roles/backup_label.h"
#include "roles/postmaster_opts.h"
#include "roles/postmaster_pid.h"

/* STATX_ATTR_MOUNT_ROOT of linux/stat.h, since Linux 5.8; not every C library has the name. */
#define MOUNT_ROOT 0x2000
#define CONTROL_FILE_MAX ((size_t)32 * 1024)
#define SMALL_FILE_MAX ((size_t)64 * 1024)

static bool is_mount_point(const char *path)
{
    struct statx status;
    return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &status) == 0 &&
           (status.stx_attributes & MOUNT_ROOT) != 0;
}

bool datadir_open(struct datadir *datadir, const char *path, struct err *err)
{
    size_t len = strlen(path);
    *datadir = (struct datadir){.lock = -1};
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (path[0] != '/' || len < 2 || len + 64 > sizeof datadir->path)
        return err_set(err, ERR_CONFIG, "PGDATA '%.200s' is no absolute path of a directory", path);
    memcpy(datadir->path, path, len);
    datadir->path[len] = '\0';
    struct stat status;
    if (lstat(datadir->path, &status) == 0 && S_ISLNK(status.st_mode)) {
        return err_set(err, ERR_REFUSED,
                       "PGDATA '%s' is a symbolic link, and a clone would take the link's place: "
                       "name the directory itself",
                       datadir->path);
    }
    if (is_mount_point(datadir->path)) {
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

/* ---- who else is there */

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

/* Postgres changes into PGDATA: a process of that number that is elsewhere is somebody else's. */
static bool works_in(pid_t pid, const char *path)
{
    char link[64];
    struct stat mine;
    struct stat its;
    (void)snprintf(link, sizeof link, "/proc/%d/cwd", (int)pid);
    return stat(path, &mine) == 0 && stat(link, &its) == 0 && mine.st_dev == its.st_dev &&
           mine.st_ino == its.st_ino;
}

bool datadir_server(const struct datadir *datadir, pid_t *pid)
{
    char path[4096];
    struct err ignored;
    struct postmaster_pid file;
    struct buf text = buf_new(SMALL_FILE_MAX);
    enum file_presence presence = FILE_ABSENT;
    bool alive = datadir_below(datadir, "postmaster.pid", path, &ignored) &&
                 file_read(path, &text, &presence, &ignored) && presence == FILE_THERE &&
                 postmaster_pid_parse(&file, buf_text(&text), text.len) && file.pid > 0 &&
                 (pid_t)file.pid != getpid() && (kill((pid_t)file.pid, 0) == 0 || errno == EPERM) &&
                 works_in((pid_t)file.pid, datadir->path);
    if (alive)
        *pid = (pid_t)file.pid;
    buf_free(&text);
    return alive;
}

/* ---- what lies there */

static bool exists(const struct datadir *datadir, const char *name)
{
    char path[4096];
    struct err ignored;
    struct stat status;
    return datadir_below(datadir, name, path, &ignored) && lstat(path, &status) == 0;
}

static bool has_mark(const struct datadir *datadir, const char *suffix)
{
    char path[4096];
    struct err ignored;
    struct stat status;
    return datadir_beside(datadir, suffix, path, &ignored) && lstat(path, &status) == 0;
}

/* Whether PGDATA itself is there, a directory, and (is_empty) has anything in it. */
static bool look_inside(struct datadir *datadir, bool *there, bool *directory, struct err *err)
{
    *there = false;
    *directory = false;
    datadir->is_empty = true;
    DIR *stream = opendir(datadir->path);
    if (stream == NULL) {
        if (errno == ENOENT)
            return true;
        *there = true;
        datadir->is_empty = false;
        return errno == ENOTDIR || err_errno(err, errno, "cannot read PGDATA '%s'", datadir->path);
    }
    *there = *directory = true;
    const struct dirent *entry;
    while (datadir->is_empty && (entry = readdir(stream)) != NULL)
        datadir->is_empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    (void)closedir(stream);
    return true;
}

static int read_major(const struct datadir *datadir)
{
    char path[4096];
    struct err ignored;
    struct buf text = buf_new(64);
    enum file_presence presence = FILE_ABSENT;
    long major = 0;
    if (datadir_below(datadir, "PG_VERSION", path, &ignored) &&
        file_read(path, &text, &presence, &ignored) && presence == FILE_THERE)
        major = strtol(buf_text(&text), NULL, 10);
    buf_free(&text);
    return major > 0 && major < 1000 ? (int)major : 0;
}

static const char *damage_of(enum control_file_status status)
{
    switch (status) {
    case CONTROL_FILE_TOO_SHORT:
        return "it is too short";
    case CONTROL_FILE_FOREIGN_ENDIAN:
        return "it is of a machine of the other byte order";
    case CONTROL_FILE_BAD_CRC:
        return "its checksum is wrong";
    case CONTROL_FILE_UNKNOWN_LAYOUT:
        return "it is of a version that is not known";
    case CONTROL_FILE_IMPLAUSIBLE:
        return "what it says cannot be";
    case CONTROL_FILE_OK:
        break;
    }
    return "";
}

/* True when the control file is whole. */
static bool read_control(struct datadir *datadir, struct err *err, bool *whole)
{
    char path[4096];
    struct buf bytes = buf_new(CONTROL_FILE_MAX);
    enum file_presence presence = FILE_ABSENT;
    *whole = false;
    bool good = datadir_below(datadir, "global/pg_control", path, err) &&
                file_read(path, &bytes, &presence, err);
    if (good && presence == FILE_ABSENT)
        (void)snprintf(datadir->damage, sizeof datadir->damage, "it is not there");
    if (good && presence == FILE_THERE) {
        enum control_file_status status = control_file_parse(
            &datadir->control, (const unsigned char *)buf_text(&bytes), bytes.len);
        *whole = status == CONTROL_FILE_OK;
        (void)snprintf(datadir->damage, sizeof datadir->damage, "%s", damage_of(status));
    }
    buf_free(&bytes);
    return good;
}

/* A server in production has been started here with other arguments than the temporary one of the
 * image's entrypoint. */
static bool was_in_production(const struct datadir *datadir)
{
    char path[4096];
    struct err ignored;
    struct buf text = buf_new(SMALL_FILE_MAX);
    enum file_presence presence = FILE_ABSENT;
    bool lived = datadir_below(datadir, "postmaster.opts", path, &ignored) &&
                 file_read(path, &text, &presence, &ignored) && presence == FILE_THERE &&
                 postmaster_opts_is_initdb_server(buf_text(&text), text.len) == POSTMASTER_OPTS_NO;
    buf_free(&text);
    return lived;
}

/* Half of a first initdb has none of these: who restored a backup here, or was a standby, has. */
static bool has_lived(const struct datadir *datadir)
{
    static const char *const signs[] = {"backup_label",   "backup_label.old", "backup_manifest",
                                        "standby.signal", "recovery.signal",  "recovery.done",
                                        "recovery.conf"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (exists(datadir, signs[i]))
            return true;
    return was_in_production(datadir);
}

static void find_kept(struct datadir *datadir)
{
    char parent[4096];
    memcpy(parent, datadir->path, sizeof parent);
    char *slash = strrchr(parent, '/');
    char name[300];
    (void)snprintf(name, sizeof name, "%.200s" DATADIR_DIVERGED, slash + 1);
    slash[slash == parent] = '\0';
    datadir->kept[0] = '\0';
    DIR *stream = opendir(parent);
    const struct dirent *entry;
    while (stream != NULL && (entry = readdir(stream)) != NULL)
        if (strncmp(entry->d_name, name, strlen(name)) == 0)
            (void)snprintf(datadir->kept, sizeof datadir->kept, "%s", entry->d_name);
    if (stream != NULL)
        (void)closedir(stream);
}

static void read_remembered(struct datadir *datadir)
{
    char path[4096];
    struct err ignored;
    struct buf text = buf_new(sizeof datadir->remembered - 1);
    enum file_presence presence = FILE_ABSENT;
    datadir->remembered[0] = '\0';
    if (datadir_beside(datadir, DATADIR_PRIMARY, path, &ignored) &&
        file_read(path, &text, &presence, &ignored) && presence == FILE_THERE)
        (void)snprintf(datadir->remembered, sizeof datadir->remembered, "%.*s",
                       (int)strcspn(buf_text(&text), "\n"), buf_text(&text));
    buf_free(&text);
}

/* Recovery that has not begun starts where backup_label says; one that is under way remembers that place
 * in the control file until it is consistent (xlogrecovery.c, PostgreSQL 13 to 18). */
static void find_needed_wal(struct datadir *datadir)
{
    char path[4096];
    struct err ignored;
    struct backup_label label;
    struct buf text = buf_new(SMALL_FILE_MAX);
    enum file_presence presence = FILE_ABSENT;
    const struct control_file *control = &datadir->control;
    bool has_label = datadir_below(datadir, "backup_label", path, &ignored) &&
                     file_read(path, &text, &presence, &ignored) && presence == FILE_THERE &&
                     backup_label_parse(&label, buf_text(&text), text.len);
    datadir->unfinished = has_label || control->backup_start != 0 || control->backup_end_required;
    if (has_label)
        datadir->wal_needed = label.start;
    else
        datadir->wal_needed =
            control->min_recovery > control->redo ? control->min_recovery : control->redo;
    buf_free(&text);
}

/* A standby whose signal is gone: lost, or the last step of a promotion was cut short before its control
 * file. Started as it is, it would write on the timeline of its primary. */
static bool is_in_recovery(const struct control_file *control)
{
    return control->state == CONTROL_FILE_IN_ARCHIVE_RECOVERY ||
           control->state == CONTROL_FILE_SHUT_DOWN_IN_RECOVERY;
}

static bool classify(struct datadir *datadir, struct err *err)
{
    bool whole = false;
    datadir->major = read_major(datadir);
    if (!read_control(datadir, err, &whole))
        return false;
    if (whole)
        find_needed_wal(datadir);
    if (datadir->major == 0)
        datadir->data = PG_DATA_FOREIGN;
    else if (exists(datadir, "recovery.conf") ||
             (exists(datadir, "recovery.signal") && !exists(datadir, "standby.signal")))
        datadir->data = PG_DATA_RECOVERY;
    else if (!whole)
        datadir->data = PG_DATA_DAMAGED;
    else if (exists(datadir, "standby.signal") || is_in_recovery(&datadir->control))
        datadir->data = PG_DATA_STANDBY;
    else
        datadir->data = PG_DATA_PRIMARY;
    return true;
}

bool datadir_read(struct datadir *datadir, struct err *err)
{
    bool there;
    bool directory;
    datadir->major = 0;
    datadir->unfinished = false;
    datadir->wal_needed = 0;
    datadir->damage[0] = '\0';
    memset(&datadir->control, 0, sizeof datadir->control);
    find_kept(datadir);
    read_remembered(datadir);
    if (!look_inside(datadir, &there, &directory, err))
        return false;
    bool begun = has_mark(datadir, DATADIR_STARTED) && !has_mark(datadir, DATADIR_DONE);
    if (there && !directory)
        datadir->data = PG_DATA_FOREIGN;
    else if (there && !datadir->is_empty && !classify(datadir, err))
        return false;
    if (has_mark(datadir, DATADIR_REWINDING) && there && !datadir->is_empty)
        datadir->data = PG_DATA_REWINDING;
    else if (begun)
        datadir->data = has_lived(datadir) ? PG_DATA_UNMARKED : PG_DATA_HALF;
    else if (!there || datadir->is_empty)
        datadir->data = PG_DATA_EMPTY;
    return true;
}

/* ---- marks */

bool datadir_write_mark(const struct datadir *datadir, const char *suffix, const char *text,
                        struct err *err)
{
    char path[4096];
    return datadir_beside(datadir, suffix, path, err) &&
           file_write(path, text, strlen(text), 0600, NULL, err);
}

bool datadir_remove_mark(const struct datadir *datadir, const char *suffix, struct err *err)
{
    char path[4096];
    return datadir_beside(datadir, suffix, path, err) && file_remove(path, err);
}

void datadir_beat(const struct datadir *datadir, const char *suffix)
{
    char path[4096];
    struct err ignored;
    if (!datadir_beside(datadir, suffix, path, &ignored))
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0)
        return;
    (void)futimens(fd, NULL);
    (void)close(fd);
}

int64_t datadir_beat_age_s(const struct datadir *datadir, const char *suffix)
{
    char path[4096];
    struct err ignored;
    struct stat status;
    if (!datadir_beside(datadir, suffix, path, &ignored) || lstat(path, &status) != 0)
        return DATADIR_NO_BEAT;
    return clock_wall_ms() / 1000 - (int64_t)status.st_mtim.tv_sec;
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
