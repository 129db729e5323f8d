#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/postgres/datadir.h"
#include "init/sys/file.h"
#include "roles/backup_label.h"
#include "roles/postmaster_opts.h"

#define CONTROL_FILE_MAX ((size_t)32 * 1024)
#define SMALL_FILE_MAX ((size_t)64 * 1024)

/* A file below PGDATA; false where it is not there or cannot be read. */
static bool read_below(const struct datadir *datadir, const char *name, struct buf *text)
{
    char path[4096];
    struct err ignored;
    enum file_presence presence = FILE_ABSENT;
    return datadir_below(datadir, name, path, &ignored) &&
           file_read(path, text, &presence, &ignored) && presence == FILE_THERE;
}

/* ---- its server */

bool datadir_postmaster_pid(const struct datadir *datadir, struct buf *text,
                            struct postmaster_pid *file, struct err *err)
{
    char path[4096];
    enum file_presence presence = FILE_ABSENT;
    *text = buf_new(SMALL_FILE_MAX);
    return datadir_below(datadir, "postmaster.pid", path, err) &&
           file_read(path, text, &presence, err) &&
           ((presence == FILE_THERE && postmaster_pid_parse(file, buf_text(text), text->len)) ||
            err_set(err, ERR_LATER, "there is no postmaster.pid (yet)"));
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
    struct err ignored;
    struct buf text;
    struct postmaster_pid file;
    bool alive = datadir_postmaster_pid(datadir, &text, &file, &ignored) && file.pid > 0 &&
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
    struct buf text = buf_new(64);
    long major = 0;
    if (read_below(datadir, "PG_VERSION", &text))
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

/* How the last server was started here. */
static enum postmaster_opts_answer last_server(const struct datadir *datadir)
{
    struct buf text = buf_new(SMALL_FILE_MAX);
    enum postmaster_opts_answer answer = POSTMASTER_OPTS_UNKNOWN;
    if (read_below(datadir, "postmaster.opts", &text))
        answer = postmaster_opts_is_initdb_server(buf_text(&text), text.len);
    buf_free(&text);
    return answer;
}

bool datadir_is_being_born(const struct datadir *datadir)
{
    return datadir_has_mark(datadir, DATADIR_STARTED) &&
           (!datadir_has_mark(datadir, DATADIR_DONE) ||
            last_server(datadir) == POSTMASTER_OPTS_YES);
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
    return last_server(datadir) == POSTMASTER_OPTS_NO;
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
    struct backup_label label;
    struct buf text = buf_new(SMALL_FILE_MAX);
    const struct control_file *control = &datadir->control;
    bool has_label = read_below(datadir, "backup_label", &text) &&
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
    bool begun =
        datadir_has_mark(datadir, DATADIR_STARTED) && !datadir_has_mark(datadir, DATADIR_DONE);
    if (there && !directory)
        datadir->data = PG_DATA_FOREIGN;
    else if (there && !datadir->is_empty && !classify(datadir, err))
        return false;
    if (datadir_has_mark(datadir, DATADIR_REWINDING) && there && !datadir->is_empty)
        datadir->data = PG_DATA_REWINDING;
    else if (begun)
        datadir->data = has_lived(datadir) ? PG_DATA_UNMARKED : PG_DATA_HALF;
    else if (!there || datadir->is_empty)
        datadir->data = PG_DATA_EMPTY;
    return true;
}
