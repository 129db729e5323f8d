#ifndef INIT_POSTGRES_BEAT_H
#define INIT_POSTGRES_BEAT_H

#include "init/postgres/datadir.h"

/* A clock beside PGDATA that beats while exec works, whatever it works at: a probe sees that the container lives,
 * also during a sync or a removal that takes minutes. */
struct beat;

/* Touches the mark SUFFIX now and every few seconds, in a thread of its own; NULL where there can be none: the
 * mark was touched once then. DATADIR must live until beat_stop. */
struct beat *beat_start(const struct datadir *datadir, const char *suffix);
/* Ends it and removes the mark. NULL: nothing. */
void beat_stop(struct beat *beat);

#endif
