#ifndef ROLES_TIMELINE_HISTORY_H
#define ROLES_TIMELINE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The history of a timeline: which timelines came before it and where each was left. The text is
 * the answer to TIMELINE_HISTORY and the file pg_wal/NNNNNNNN.history alike
 * (src/backend/access/transam/timeline.c readTimeLineHistory, PostgreSQL 13 to 18): a line each,
 * "1<tab>0/3000000<tab>reason", comments behind '#'. Timeline 1 has none: a server answers it with
 * an error.
 */
struct timeline_entry {
    uint32_t timeline;
    uint64_t end; /* where the next timeline begins: the first position that is not this one's any
                     more */
};

struct timeline_history {
    uint32_t timeline;              /* whose history it is */
    struct timeline_entry *entries; /* the caller's array; oldest first, both members ascending */
    size_t capacity, count;
};

enum timeline_history_status {
    TIMELINE_HISTORY_OK,
    TIMELINE_HISTORY_BAD,  /* no history, or one that contradicts itself */
    TIMELINE_HISTORY_FULL, /* more entries than fit */
};

/*
 * Reads TEXT, the history of TIMELINE, into history->entries (capacity is the caller's). Every
 * timeline that has a history has an ancestor, so an empty text is TIMELINE_HISTORY_BAD, and so is
 * a last line without its end. The timelines must ascend and stay below TIMELINE; the positions
 * must not descend.
 */
enum timeline_history_status timeline_history_parse(struct timeline_history *history,
                                                    uint32_t timeline, const char *text,
                                                    size_t len);

/*
 * Where HISTORY's timeline left TIMELINE: a node of TIMELINE with WAL up to *lsn and no further is
 * an ancestor. False when TIMELINE is none of its ancestors; its own timeline is none either.
 */
bool timeline_history_fork(const struct timeline_history *history, uint32_t timeline,
                           uint64_t *lsn);

/*
 * Under whose number a server of HISTORY's timeline has the segment with the byte at LSN: that of the newest timeline
 * which began in this segment, or before it. A promotion puts what lies in front of its fork into its own first segment
 * (xlog.c XLogInitNewTimeline), and the walsender looks for the WAL of its present timeline under that
 * number alone (walsender.c WalSndSegmentOpen). *BEGIN is where the first segment under this number begins; 0 for
 * the oldest timeline.
 */
uint32_t timeline_history_holder(const struct timeline_history *history, uint32_t segment_bytes,
                                 uint64_t lsn, uint64_t *begin);

/* Parses and asks in one: whether the history TEXT of TIMELINE *left ANCESTOR, and where. TIMELINE_HISTORY_FULL above
 * TIMELINE_HISTORY_MAX entries, which is as many promotions. */
#define TIMELINE_HISTORY_MAX 1024
enum timeline_history_status timeline_history_left(const char *text, size_t len, uint32_t timeline,
                                                   uint32_t ancestor, bool *left, uint64_t *lsn);

#endif
