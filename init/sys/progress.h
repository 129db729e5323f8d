#ifndef INIT_SYS_PROGRESS_H
#define INIT_SYS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

enum progress_unit { PROGRESS_BYTES, PROGRESS_ITEMS };

/* How far long work has come: a bar on a terminal, elsewhere a line of the log each 10 s. */
struct progress {
    const char *what; /* "cloning from redis-0" */
    uint64_t total;   /* 0: not known */
    enum progress_unit unit;
    int64_t started_ns, told_ns;
};

/* Nothing is shown yet: work that ends within the first moments stays silent. WHAT is kept. */
struct progress progress_start(const char *what, uint64_t total, enum progress_unit unit);
/* Cheap enough to call for each piece of work. */
void progress_update(struct progress *progress, uint64_t done);
/* Takes the bar away. */
void progress_end(void);

/* The sentence shown at NOW_NS: "WHAT: 1.5 GiB of 3.0 GiB (50%), 12.0 MiB/s, 2 min 8 s left". */
void progress_sentence(const struct progress *progress, uint64_t done, int64_t now_ns,
                       char text[static 256]);

#endif
