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
#define PATH_SIZE 4096

static void run(struct form_look *look, int64_t deadline_ns, char text[static 512])
{
    struct err err;
    int own = cluster_picture_member(&look->observer.picture, look->observer.identity.ordinal);
    if (own < 0)
        return;
    form_sentence(look, text);
    if (redis_form_is_birth(look->plan.reason)) {
        (void)snprintf(
            text, 512,
            "the cluster is not formed, and a probe gives no birth: run 'ordain form redis'");
        return;
    }
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

/* Whose data this volume has: told to nobody else, and all that a replica of an empty shard can show
 * for itself after a restart. */
static bool mark_synced(struct volume *volume, const char *master_id, struct err *err)
{
    size_t changed = 0;
    if (strcmp(volume->mark.synced, master_id) == 0)
        return true;
    (void)snprintf(volume->mark.synced, sizeof(volume->mark.synced), "%s", master_id);
    return volume_write_mark(volume, &volume->mark, &changed, err);
}

/* A node of which TABLE (of the file) has never heard, and the server has. */
static bool has_heard_more(const struct redis_table *table, const struct redis_call *nodes)
{
    struct redis_table now = {.capacity = table->count + 64, .myself = -1};
    bool more = false;
    now.nodes = calloc(now.capacity, sizeof(*now.nodes));
    if (now.nodes == NULL || nodes->answer != REDIS_TEXT)
        goto out;
    (void)redis_table_parse(&now, redis_call_text(nodes), nodes->len, false, NULL);
    for (size_t i = 0; i < now.count && !more; i++) {
        int row = redis_table_find(table, now.nodes[i].id);
        more = now.nodes[i].pong_recv != 0 && row >= 0 && row != table->myself &&
               table->nodes[row].pong_recv == 0;
    }
out:
    free(now.nodes);
    return more;
}

/* A server writes nodes.conf when an address comes, before the first pong from there (redis 7.0 cluster.c
 * nodeUpdateAddressIfNeeded): after a restart it would say that it never heard of a
 * pod that it knew well. That word decides between a first birth and a lost volume: it is saved. */
static bool save_heard(const struct redis_table *table, struct redis_client *client, int server,
                       int64_t deadline_ns)
{
    static const char *const ask[] = {"CLUSTER", "NODES"};
    static const char *const save[] = {"CLUSTER", "SAVECONFIG"};
    bool unheard = false;
    for (size_t i = 0; i < table->count; i++)
        unheard = unheard || ((int)i != table->myself && table->nodes[i].pong_recv == 0);
    if (!unheard)
        return false;
    struct redis_call call = redis_call_new(server, 2, ask);
    redis_client_round(client, &call, 1, deadline_ns, deadline_ns);
    bool more = has_heard_more(table, &call);
    redis_call_free(&call);
    if (more) {
        call = redis_call_new(server, 2, save);
        redis_client_round(client, &call, 1, deadline_ns, deadline_ns);
        redis_call_free(&call);
    }
    return more;
}

static void take_along(struct volume *volume, const char *copy, const struct stat *nodes_stat)
{
    const struct redis_table *table = &volume->nodes.table;
    struct err err;
    size_t changed = 0;
    if (!redis_mend_role_changed(table, volume_whole_copy(volume)))
        pass_as_new(copy, nodes_stat);
    else if (!volume_write_copy(volume, table, &changed, &err))
        log_warn("cannot take the copy of nodes.conf along: %s", err.message);
}

/* Only of a volume that ordain minds: without its mark the copy would be of no use. What is left undone,
 * the next probe does. */
static void keep_volume(struct volume *volume, struct redis_client *client, int server, bool linked,
                        const char *copy, const struct stat *nodes_stat, int64_t deadline_ns)
{
    const struct redis_table *table = &volume->nodes.table;
    struct err err;
    if (!volume->has_mark || !volume->nodes.there || volume->nodes.status != REDIS_TABLE_OK)
        return;
    const char *master_id = table->nodes[table->myself].master_id;
    bool replica = *master_id != '\0';
    if (replica && linked && !mark_synced(volume, master_id, &err))
        log_warn("cannot note whom this replica is in sync with: %s", err.message);
    else if (!save_heard(table, client, server, deadline_ns) && (linked || !replica))
        take_along(volume, copy,
                   nodes_stat); /* a replica without its master is ready by OrderedReady alone */
}

void repair_copy(const struct settings *settings, struct redis_client *client, int server,
                 bool linked, int64_t deadline_ns)
{
    char nodes[PATH_SIZE];
    char copy[PATH_SIZE];
    struct stat nodes_stat;
    struct err ignored;
    const char *dir = settings->data_dir;
    if (!file_join(nodes, dir, VOLUME_NODES, &ignored) ||
        !file_join(copy, dir, VOLUME_COPY, &ignored) || !copy_is_older(nodes, copy, &nodes_stat))
        return;
    struct volume *volume = calloc(1, sizeof(*volume)); /* two tables of slots: not for the stack */
    if (volume != NULL && volume_open(volume, dir, false, &ignored)) {
        keep_volume(volume, client, server, linked, copy, &nodes_stat, deadline_ns);
        volume_close(volume);
    }
    free(volume);
}

bool repair_table_is_new(const struct settings *settings, int64_t age_s)
{
    char nodes[PATH_SIZE];
    struct stat nodes_stat;
    struct err ignored;
    if (!file_join(nodes, settings->data_dir, VOLUME_NODES, &ignored) ||
        stat(nodes, &nodes_stat) != 0)
        return true;
    return time(NULL) - nodes_stat.st_mtime < age_s;
}

bool repair_table_says_replica(const struct settings *settings)
{
    char nodes[PATH_SIZE];
    struct buf text = buf_new(VOLUME_TABLE_CAP);
    enum file_presence presence = FILE_ABSENT;
    struct err ignored;
    bool replica = false;
    if (file_join(nodes, settings->data_dir, VOLUME_NODES, &ignored) &&
        file_read(nodes, &text, &presence, &ignored) && presence == FILE_THERE) {
        const char *flags = strstr(buf_text(&text), " myself,");
        replica = flags != NULL &&
                  (strncmp(flags + 8, "slave", 5) == 0 || strncmp(flags + 8, "replica", 7) == 0);
    }
    buf_free(&text);
    return replica;
}
