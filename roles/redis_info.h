#ifndef ROLES_REDIS_INFO_H
#define ROLES_REDIS_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The members of INFO and CLUSTER INFO replies ("name:value\r\n") that ordain uses. Missing numbers
 * are -1, missing texts "". Redis 6.2 to 8.x and Valkey 8 (which also says "primary"). */
struct redis_info {
    char server[32];  /* "redis" or "valkey" */
    char version[32]; /* redis_version, or valkey_version where there is one */
    bool loading;
    bool is_master, role_known;
    bool master_link_up;
    char master_host[256];
    int master_port;
    int64_t master_last_io_s;
    bool master_sync_in_progress;
    char replid[41];
    int64_t offset; /* master_repl_offset, or slave_repl_offset on a replica */
    int64_t connected_replicas;
    int64_t keys;     /* of db0 (Keyspace); 0 when the section lists no db0 */
    int64_t aof_size; /* bytes of the append-only file (7.0+: base and increments); -1: none */
    int64_t uptime_s;
    int64_t loading_eta_s;
    /* CLUSTER INFO */
    bool cluster_known, cluster_ok;
    int64_t slots_assigned, slots_ok, slots_pfail, slots_fail;
    int64_t known_nodes, size, current_epoch, my_epoch;
};

/* An info with every member missing. */
struct redis_info redis_info_none(void);
/* Adds what TEXT tells; a number that is none leaves its member as it was, a text that is too long
 * leaves it empty. Returns false when TEXT is no INFO text at all (an HTML page, garbage): neither
 * a member that is known here nor the headline of a section ("# Server") is in it. */
bool redis_info_parse(struct redis_info *info, const char *text, size_t len);

#endif
