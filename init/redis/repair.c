#include "init/redis/repair.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "init/redis/apply.h"
#include "init/redis/form.h"
#include "init/redis/meet.h"
#include "init/redis/volume.h"
#include "init/sys/clock.h"
#include "init/sys/file.h"
#include "init/sys/log.h"
#include "roles/redis_mend.h"

#define LOOK_MS 400
#define TABLE_CAP ((size_t)8 << 20)
#define PATH_SIZE 4096

static bool is_birth(enum form_reason reason)
{
    return reason == FORM_GIVES_BIRTH || reason == FORM_BIRTH_ROLES || reason == FORM_BIRTH_MEETS;
}

static void run(struct form_look *look, int64_t deadline_ns, char text[static 512])
{
    struct err err;
    int own = cluster_picture_member(&look->observer.picture, look->observer.identity.ordinal);
    if (own < 0)
        return;
    form_sentence(look, text);
    if (is_birth(look->plan.reason))
        return;
    size_t done = 0;
    for (size_t i = 0; i < look->plan.count; i++) {
        char step[256];
        if (look->plan.steps[i].member != own)
            continue;
        apply_sentence(&look->observer, &look->plan.steps[i], step);
        log_debug("repair: %s", step);
    }
    if (!apply_plan(&look->observer, &look->plan, own, deadline_ns, &done, &err))
        (void)snprintf(text, 512, "%.500s", err.message);
    meet_watch(&look->observer, deadline_ns);
}

void repair_self(const struct settings *settings, int64_t deadline_ns, char text[static 512])
{
    struct form_look *look = NULL;
    struct err err;
    *text = '\0';
    if (!form_open(&look, settings, true, &err) ||
        !form_see(look, true, LOOK_MS, deadline_ns, &err))
        (void)snprintf(text, 512, "%.500s", err.message);
    else
        run(look, deadline_ns, text);
    form_close(look);
}

static bool is_newer(const struct stat *file, const struct stat *than)
{
    return file->st_mtim.tv_sec > than->st_mtim.tv_sec ||
           (file->st_mtim.tv_sec == than->st_mtim.tv_sec &&
            file->st_mtim.tv_nsec > than->st_mtim.tv_nsec);
}

/* nodes.conf was written after its copy: perhaps something that counts has changed. */
static bool copy_is_older(const char *nodes, const char *copy, struct stat *nodes_stat)
{
    struct stat copy_stat;
    if (stat(nodes, nodes_stat) != 0)
        return false;
    return stat(copy, &copy_stat) != 0 || is_newer(nodes_stat, &copy_stat);
}

/* Nothing that counts has changed: the copy takes the time of nodes.conf, so that the next probe need not
 * read both again. Not while nodes.conf is so young that another write may get the same time. */
static void pass_as_new(const char *copy, const struct stat *nodes_stat)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, nodes_stat->st_mtim};
    if (time(NULL) > nodes_stat->st_mtim.tv_sec + 1)
        (void)utimensat(AT_FDCWD, copy, times, AT_SYMLINK_NOFOLLOW);
}

static void take_along(const char *dir, const char *copy, const struct stat *nodes_stat)
{
    struct volume *volume = calloc(1, sizeof(*volume)); /* two tables of slots: not for the stack */
    struct err err;
    size_t changed = 0;
    if (volume == NULL || !volume_open(volume, dir, false, &err)) {
        free(volume);
        return;
    }
    /* Only for a volume that ordain minds: without its mark the copy would be of no use. */
    bool whole = volume->has_mark && volume->nodes.there && volume->nodes.status == REDIS_TABLE_OK;
    if (whole && !redis_mend_role_changed(&volume->nodes.table, volume_whole_copy(volume)))
        pass_as_new(copy, nodes_stat);
    else if (whole && !volume_write_copy(volume, &volume->nodes.table, &changed, &err))
        log_warn("cannot take the copy of nodes.conf along: %s", err.message);
    volume_close(volume);
    free(volume);
}

void repair_copy(const struct settings *settings)
{
    char nodes[PATH_SIZE];
    char copy[PATH_SIZE];
    struct stat nodes_stat;
    struct err ignored;
    const char *dir = settings->data_dir;
    if (file_join(nodes, dir, "nodes.conf", &ignored) &&
        file_join(copy, dir, "nodes.conf.ordain", &ignored) &&
        copy_is_older(nodes, copy, &nodes_stat))
        take_along(dir, copy, &nodes_stat);
}

bool repair_table_is_new(const struct settings *settings, int64_t age_s)
{
    char nodes[PATH_SIZE];
    struct stat nodes_stat;
    struct err ignored;
    if (!file_join(nodes, settings->data_dir, "nodes.conf", &ignored) ||
        stat(nodes, &nodes_stat) != 0)
        return true;
    return time(NULL) - nodes_stat.st_mtime < age_s;
}

bool repair_table_says_replica(const struct settings *settings)
{
    char nodes[PATH_SIZE];
    struct buf text = buf_new(TABLE_CAP);
    enum file_presence presence = FILE_ABSENT;
    struct err ignored;
    bool replica = false;
    if (file_join(nodes, settings->data_dir, "nodes.conf", &ignored) &&
        file_read(nodes, &text, &presence, &ignored) && presence == FILE_THERE) {
        const char *flags = strstr(buf_text(&text), " myself,");
        replica = flags != NULL &&
                  (strncmp(flags + 8, "slave", 5) == 0 || strncmp(flags + 8, "replica", 7) == 0);
    }
    buf_free(&text);
    return replica;
}
