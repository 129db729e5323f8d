#ifndef TESTS_UNIT_TABLES_H
#define TESTS_UNIT_TABLES_H

#include <stddef.h>

/* What the tests of tables share: ids, a first row, and the tables that real servers wrote. */

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccc"
#define SHARD "1111111111111111111111111111111111111111"
#define MYSELF A " 10.0.0.1:6379@16379 myself,master - 0 0 1 connected 0-100\n"
#define VARS "vars currentEpoch 6 lastVoteEpoch 5\n"

/* Names of tables in tests/golden/nodes_conf, of clusters of redis 7.0, 8.0 and Valkey 8.1. */
#define RECORDED ((size_t)6)
extern const char *const recorded[RECORDED];

/* The file nodes_conf/NAME SUFFIX: malloc'ed, ended by a NUL, *len without it. */
char *read_recorded(const char *name, const char *suffix, size_t *len);

#endif
