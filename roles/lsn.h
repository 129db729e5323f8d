#ifndef ROLES_LSN_H
#define ROLES_LSN_H

#include <stdbool.h>
#include <stdint.h>

#include "roles/text.h"

/*
 * Positions in the WAL (LSN): bytes since its beginning, written as two hexadecimal halves,
 * "16/B374D848" (PostgreSQL 17 docs, 8.20). 0 is no position.
 */
#define LSN_TEXT_MAX 18 /* two halves of 8 digits, the slash, the NUL */
#define LSN_SEGMENT_NAME_MAX 25
#define LSN_HISTORY_NAME_MAX 17

/* One to eight digits of either case on both sides, nothing around them (pg_lsn.c
 * pg_lsn_in_internal). */
bool lsn_parse(struct span span, uint64_t *lsn);
/* As the server writes it: capitals, no leading zeros ("%X/%X"). */
void lsn_write(uint64_t lsn, char text[static LSN_TEXT_MAX]);

/* A timeline as eight hexadecimal digits; 0 is none and refused. */
bool lsn_timeline_parse(struct span span, uint32_t *timeline);

/*
 * Name below pg_wal/ of the segment that holds LSN: timeline, then the segment's number in two
 * parts, of which the lower counts the segments of 4 GB (xlog_internal.h XLogFileName).
 * SEGMENT_BYTES is a power of two from 1 MB to 1 GB.
 */
void lsn_segment_name(uint32_t timeline, uint64_t lsn, uint32_t segment_bytes,
                      char name[static LSN_SEGMENT_NAME_MAX]);
/* The timeline and the first position of the segment NAME; false for any other name (history files,
 * ".partial", ".backup"). */
bool lsn_segment_parse(struct span name, uint32_t segment_bytes, uint32_t *timeline, uint64_t *lsn);

/* Name below pg_wal/ of a timeline's history, "00000002.history" (xlog_internal.h
 * TLHistoryFileName). */
void lsn_history_name(uint32_t timeline, char name[static LSN_HISTORY_NAME_MAX]);

#endif
