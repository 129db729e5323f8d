#include "roles/redis_info.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "roles/text.h"

/* The members that are plain numbers, by their names in INFO (redis 7.0 server.c
 * genRedisInfoString, Valkey 8 genValkeyInfoString) and CLUSTER INFO (cluster.c). */
static const struct {
    const char *name;
    size_t offset;
} numbers[] = {
    {"master_last_io_seconds_ago",  offsetof(struct redis_info, master_last_io_s)  },
    {"primary_last_io_seconds_ago", offsetof(struct redis_info, master_last_io_s)  },
    {"connected_slaves",            offsetof(struct redis_info, connected_replicas)},
    {"connected_replicas",          offsetof(struct redis_info, connected_replicas)},
    {"aof_current_size",            offsetof(struct redis_info, aof_size)          },
    {"uptime_in_seconds",           offsetof(struct redis_info, uptime_s)          },
    {"loading_eta_seconds",         offsetof(struct redis_info, loading_eta_s)     },
    {"cluster_slots_assigned",      offsetof(struct redis_info, slots_assigned)    },
    {"cluster_slots_ok",            offsetof(struct redis_info, slots_ok)          },
    {"cluster_slots_pfail",         offsetof(struct redis_info, slots_pfail)       },
    {"cluster_slots_fail",          offsetof(struct redis_info, slots_fail)        },
    {"cluster_known_nodes",         offsetof(struct redis_info, known_nodes)       },
    {"cluster_size",                offsetof(struct redis_info, size)              },
    {"cluster_current_epoch",       offsetof(struct redis_info, current_epoch)     },
    {"cluster_my_epoch",            offsetof(struct redis_info, my_epoch)          },
};

struct redis_info redis_info_none(void)
{
    struct redis_info info = {.master_port = -1, .offset = -1, .keys = -1};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        *(int64_t *)(void *)((char *)&info + numbers[i].offset) = -1;
    return info;
}

static bool take_number(struct redis_info *info, struct span name, struct span value)
{
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        int64_t *member = (int64_t *)(void *)((char *)info + numbers[i].offset);
        if (text_is(name, numbers[i].name)) {
            text_i64(value, member);
            return true;
        }
    }
    return false;
}

static bool is_either(struct span name, const char *old_word, const char *new_word)
{
    return text_is(name, old_word) || text_is(name, new_word);
}

static void take_text(struct span value, char *member, size_t size)
{
    if (!text_copy(value, member, size))
        member[0] = '\0';
}

/* redis_version stands in Valkey's reply too: 7.2.4, for the clients' sake. */
static bool take_server(struct redis_info *info, struct span name, struct span value)
{
    bool is_valkey = text_is(name, "valkey_version");
    if (text_is(name, "server_name")) {
        take_text(value, info->server, sizeof(info->server));
    } else if (is_valkey || text_is(name, "redis_version")) {
        if (is_valkey || strcmp(info->server, "valkey") != 0 || info->version[0] == '\0')
            take_text(value, info->version, sizeof(info->version));
        if (is_valkey)
            take_text((struct span){"valkey", 6}, info->server, sizeof(info->server));
        else if (info->server[0] == '\0')
            take_text((struct span){"redis", 5}, info->server, sizeof(info->server));
    } else if (text_is(name, "loading")) {
        info->loading = text_is(value, "1");
    } else if (text_is(name, "db0")) {
        struct span rest;
        struct span keys = text_cut(value, ',', &rest);
        if (text_starts(keys, "keys="))
            text_i64(text_from(keys, 5), &info->keys);
    } else {
        return false;
    }
    return true;
}

static bool take_replication(struct redis_info *info, struct span name, struct span value)
{
    int64_t port;
    if (text_is(name, "role")) {
        info->is_master = is_either(value, "master", "primary");
        info->role_known = info->is_master || is_either(value, "slave", "replica");
    } else if (is_either(name, "master_link_status", "primary_link_status")) {
        info->master_link_up = text_is(value, "up");
    } else if (is_either(name, "master_host", "primary_host")) {
        take_text(value, info->master_host, sizeof(info->master_host));
    } else if (is_either(name, "master_port", "primary_port")) {
        if (text_i64(value, &port) && port >= 0 && port <= 65535)
            info->master_port = (int)port;
    } else if (is_either(name, "master_sync_in_progress", "primary_sync_in_progress")) {
        info->master_sync_in_progress = text_is(value, "1");
    } else if (is_either(name, "master_replid", "primary_replid")) {
        take_text(value, info->replid, sizeof(info->replid));
    } else if (text_is(name, "cluster_state")) {
        info->cluster_known = true;
        info->cluster_ok = text_is(value, "ok");
    } else {
        return false;
    }
    return true;
}

/* A replica tells both offsets; its own one says what it has. */
static bool take_offset(struct redis_info *info, struct span name, struct span value, bool *is_own)
{
    if (is_either(name, "slave_repl_offset", "replica_repl_offset")) {
        *is_own = text_i64(value, &info->offset) || *is_own;
        return true;
    }
    if (is_either(name, "master_repl_offset", "primary_repl_offset")) {
        if (!*is_own)
            text_i64(value, &info->offset);
        return true;
    }
    return false;
}

bool redis_info_parse(struct redis_info *info, const char *text, size_t len)
{
    struct span rest = {text, len};
    bool known = false, own_offset = false;

    while (rest.data != NULL) {
        struct span line = text_cut(rest, '\n', &rest);
        struct span value;
        if (line.len > 0 && line.data[line.len - 1] == '\r')
            line.len--;
        if (text_starts(line, "# ")) {
            known = true;
            if (text_is(line, "# Keyspace") && info->keys == -1)
                info->keys = 0;
            continue;
        }
        struct span name = text_cut(line, ':', &value);
        if (value.data != NULL &&
            (take_number(info, name, value) || take_server(info, name, value) ||
             take_replication(info, name, value) || take_offset(info, name, value, &own_offset)))
            known = true;
    }
    return known;
}
