#ifndef ROLES_POSTMASTER_PID_H
#define ROLES_POSTMASTER_PID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "roles/text.h"

/*
 * PGDATA/postmaster.pid, eight lines that a server writes as it starts and removes as it ends
 * (PostgreSQL 13 to 18, src/include/utils/pidfile.h): pid, data directory, start time, port, socket
 * directory, listen address, shared memory key and id, status. The first five come at once, the
 * others one by one.
 */
enum postmaster_status {
    POSTMASTER_STATUS_UNKNOWN, /* no such line yet */
    POSTMASTER_STARTING,       /* or in recovery and not consistent yet */
    POSTMASTER_STOPPING,
    POSTMASTER_READY,   /* accepts connections; hot standby: see the next */
    POSTMASTER_STANDBY, /* consistent, but hot_standby is off: accepts none */
};

struct postmaster_pid {
    int32_t pid;     /* positive */
    bool standalone; /* no postmaster but `postgres --single` or initdb's (the file has -pid) */
    /* Lines that are not there yet, or are not whole, are empty and 0; all texts point into the
     * file's. */
    struct span data_dir;
    int64_t start_time; /* seconds since 1970 */
    uint16_t port;
    struct span socket_dir;     /* the first; empty: none */
    struct span listen_address; /* the first, "*" included; empty: none */
    uint64_t shared_memory_key, shared_memory_id;
    enum postmaster_status status;
};

/* Reads TEXT. False when its first line is no pid or not whole: a server is just writing it, or a
 * crash or a full disk cut it. */
bool postmaster_pid_parse(struct postmaster_pid *file, const char *text, size_t len);

#endif
