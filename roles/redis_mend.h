#ifndef ROLES_REDIS_MEND_H
#define ROLES_REDIS_MEND_H

#include "roles/redis_table.h"

/*
 * Makes the table for a start of that which a server left behind: its nodes.conf, which a server
 * writes in place (redis 7.0 cluster.c clusterSaveConfig: write, then ftruncate), so that a crash
 * of the machine can tear it, and the copy of the last good one. Addresses are set afresh, because
 * at load a server checks none against the network and keeps its own old one for ever (facts
 * of 7.0.15, 8.0.2, Valkey 8.1.1). Pure: the caller owns all memory; the mended table's texts point
 * into both inputs and SCRATCH.
 */

enum mend_addr {
    MEND_ADDR_KEEP,      /* nothing better is known than the row's own */
    MEND_ADDR_CONFIRMED, /* the server there is this one, or nobody listens there yet */
    MEND_ADDR_NONE,      /* another id answers there, or the name is gone: noaddr */
};

enum mend_answer { MEND_UNKNOWN, MEND_NO, MEND_YES };

/* What the shell found out about one row. */
struct mend_peer {
    char id[REDIS_ID_LEN + 1];
    enum mend_addr addr;
    char ip[46];                    /* of MEND_ADDR_CONFIRMED */
    int port;                       /* likewise */
    int cport;                      /* 0: port + 10000 */
    char host_name[REDIS_HOST_MAX]; /* "": not ours to say, the row keeps its own */
};

struct mend_facts {
    const struct redis_table *file; /* NULL: there is no nodes.conf */
    enum redis_table_status file_status;
    const struct redis_table *copy; /* NULL: there is no copy */
    enum redis_table_status copy_status;

    char id[REDIS_ID_LEN + 1]; /* mine; "": whichever the tables name */
    char ip[46];               /* my pod's */
    int port, cport;           /* as in struct mend_peer */
    char host_name[REDIS_HOST_MAX];

    const struct mend_peer *peers; /* rows that are not named keep their address */
    size_t peer_count;

    /* Does a majority of the other masters name me the owner of the slots that my row in the copy
     * has? It counts only where the file lacks my row and the copy has it with slots. */
    enum mend_answer owner_confirmed;
};

enum mend_status {
    MEND_NOTHING,        /* the file is right as it is: leave it alone */
    MEND_ADDRESSES,      /* whole; addresses, host names, fail flags or shard ids change */
    MEND_TORN_OWN_ROWS,  /* torn; made of its own whole rows only */
    MEND_TORN_FROM_COPY, /* torn or gone; rows of the copy were needed */
    MEND_IMPOSSIBLE,     /* torn or gone, and no row of mine anywhere */
    MEND_OTHER_ID,       /* myself is another id than mine: a foreign file */
    MEND_TOO_BIG,        /* more rows than the caller's array, or SCRATCH too small */
};

/* What a mend did, for the sentence about it. */
struct mend_result {
    enum mend_status status;
    int from_file, from_copy; /* rows taken */
    int implied;         /* masters of which only replicas' rows were left: rows without address */
    int addresses;       /* rows whose address changed */
    bool own_from_copy;  /* my row is the copy's */
    bool slots_withheld; /* ... and starts without its slots, because nobody confirmed them */
    int contested;       /* slots that two rows claimed */
};

/* Bytes of SCRATCH that are enough for any two tables whose texts have these lengths. */
#define MEND_SCRATCH_BYTES(file_len, copy_len) ((file_len) + (copy_len) + 7 * (size_t)REDIS_SLOTS)

/*
 * Makes OUT (nodes and capacity set by the caller; twice the rows of file and copy together are
 * always enough) from FACTS, ready for redis_table_write. OUT is complete only when the status is
 * none of the last three.
 *
 * Rows: the file's; when it is torn also those of the copy that it lacks. A copy that is not whole, or
 * another node's, is not used. Handshakes and fail flags are left out.
 *
 * My own row: its address from the facts; from the copy only when the file lacks it, and then with its
 * slots only when owner_confirmed is MEND_YES.
 *
 * Slots: never more than the tables say. Claimed twice in a torn table: the file's row before the copy's,
 * then the higher epoch, then the first.
 *
 * Vars: a whole file's stay. Else currentEpoch is the highest epoch seen anywhere, and lastVoteEpoch the
 * same: a server votes when the two differ (redis 7.0 cluster.c clusterSendFailoverAuthIfNeeded), and
 * whether it did already is not known any more.
 *
 * Shards: a replica gets its master's shard id (or the master its replicas', if only they have one): Redis
 * 7.2 exits and Valkey 8.1.1 aborts where they differ.
 *
 * Mending what was mended changes nothing.
 */
struct mend_result redis_mend_decide(const struct mend_facts *facts, struct redis_table *out,
                                     char *scratch, size_t scratch_size);

/* True when COPY (NULL: there is none) no longer serves for a mend of TABLE: a node came or went,
 * changed its role or master, slots changed hands, an owner's epoch or the vars are others.
 * Addresses do not count. */
bool redis_mend_role_changed(const struct redis_table *table, const struct redis_table *copy);

#endif
