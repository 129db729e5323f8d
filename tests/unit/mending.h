#ifndef TESTS_UNIT_MENDING_H
#define TESTS_UNIT_MENDING_H

#include "roles/redis_mend.h"

/* What the tests of a mend share: three nodes' rows, the facts about a file and its copy, the mended table. */

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccc"
#define D "dddddddddddddddddddddddddddddddddddddddd"

#define ROW_A A " 10.0.0.1:6379@16379 myself,master - 0 0 1 connected 0-99\n"
#define ROW_B B " 10.0.0.2:6379@16379 master - 0 5 2 connected 100-199\n"
#define ROW_C C " 10.0.0.3:6379@16379 slave " A " 0 5 1 connected\n"
#define VARS "vars currentEpoch 6 lastVoteEpoch 5\n"
#define WHOLE ROW_A ROW_B ROW_C VARS

extern struct redis_table mended;
extern struct mend_facts facts;
extern char written[1 << 16]; /* the mended table as nodes.conf, when there is one */

/* Facts about FILE_TEXT and COPY_TEXT (NULL: there is none); my id is A. */
void given(const char *file_text, const char *copy_text);
/* Decides, and writes a mended table to WRITTEN. */
struct mend_result decide(void);
/* Decides with room for so many rows and scratch bytes. */
#define SCRATCH_SIZE ((size_t)1 << 18)
struct mend_result decide_within(size_t rows, size_t scratch_size);

#endif
