#ifndef INIT_POSTGRES_PROMOTION_H
#define INIT_POSTGRES_PROMOTION_H

#include <stdbool.h>
#include <stdint.h>

#include "init/postgres/client.h"
#include "init/sys/err.h"

/*
 * Makes the standby at SERVER (an SQL connection of a superuser) the primary, on a timeline that is not
 * before RECORDED, which the register gave this promotion alone: two promotions of one history, one of
 * which nobody heard of, must never share a number, since nothing tells such timelines apart.
 *
 * A server takes the first number for which it finds no history file in pg_wal (timeline.c
 * findNewestTimeLine, PostgreSQL 13 to 18). So for each number between its own and RECORDED a history is
 * put there that leaves the number before it where WAL begins: recovery does not follow such a one
 * (xlogrecovery.c rescanLatestTimeLine), and the number is taken.
 *
 * So for each number before its own as well that has none: a standby of an older timeline asks its primary
 * for the history of every number in between, and does not stream without (walreceiver.c
 * WalRcvFetchTimeLineHistoryFiles); a start as standby, or a clone without WAL, left this server without.
 *
 * WAIT_S: how long the server may take; 0: it is told and not waited for. Does nothing where the server
 * is no standby any more.
 */
bool promotion_run(struct pg_client *client, int server, const char *who, uint32_t recorded,
                   int wait_s, int64_t deadline_ns, struct err *err);

#endif
