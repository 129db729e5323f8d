#ifndef ROLES_REDIS_RDB_H
#define ROLES_REDIS_RDB_H

#include <stdbool.h>
#include <stddef.h>

/* As much of a file's beginning as tells: what stands before the first key is some 200 bytes. */
#define REDIS_RDB_HEAD 4096

/*
 * True when a dump or the base of an append-only file (RDB, redis 7.0 rdb.c rdbSaveRio; "REDIS" and four
 * digits, Valkey 9 "VALKEY" and three) is whole and has no key and no function: between its header and its
 * end stand only auxiliary fields. HEAD: its first LEN bytes. Anything that is not understood holds something.
 */
bool redis_rdb_is_empty(const char *head, size_t len);

#endif
