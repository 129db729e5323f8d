#ifndef INIT_POSTGRES_LINK_H
#define INIT_POSTGRES_LINK_H

#include <stdbool.h>

#include "init/postgres/client.h"
#include "init/postgres/kept_target.h"
#include "init/postgres/rows.h"

/* One connection to one Postgres server, never blocking: the part of the client that knows libpq. */

enum pg_link_state { PG_LINK_CLOSED, PG_LINK_CONNECTING, PG_LINK_OPEN, PG_LINK_LOST };

/* What the answer of the command under way has reached. */
enum pg_link_event {
    PG_LINK_NOTHING, /* nothing whole yet: poll(2) */
    PG_LINK_ROWS,    /* a result set, or a command without one, is whole: in the call */
    PG_LINK_COPY,    /* a COPY OUT begins */
    PG_LINK_DONE,    /* the command is over */
    PG_LINK_ERROR,   /* the server's error, in the call; PG_LINK_DONE follows */
};

struct pg_conn; /* libpq's PGconn */

struct pg_link {
    struct kept_target kept;
    enum pg_link_state state;
    struct pg_conn *conn;
    short connect_events; /* what the connection that is being made waits for */
    bool unsent;          /* a part of the command */
    bool copying;
    int reads_ahead; /* so often libpq's buffer may still be filled twice */
    struct rows_builder rows;
    bool asking;         /* whose server it is, while the state is PG_LINK_CONNECTING still */
    struct pg_call who;  /* that question */
    bool elsewhere;      /* it was another one\'s, or may be */
    enum pg_answer lost; /* why, when the state is PG_LINK_LOST */
    char sqlstate[6];
    char problem[256];
};

/* A closed link with a copy of TARGET; false when out of memory. */
bool pg_link_init(struct pg_link *link, const struct pg_target *target);
/* Closes, and wipes the copy. */
void pg_link_free(struct pg_link *link);

/* Begins to connect; the state becomes PG_LINK_CONNECTING or PG_LINK_LOST. */
void pg_link_connect(struct pg_link *link);
/* After poll(2): goes on connecting. The state may become PG_LINK_OPEN or PG_LINK_LOST. */
void pg_link_connecting(struct pg_link *link);
/* The end of connecting to a pod's server, called by pg_link_connecting: asks whose it is; goes on hearing that,
 * as pg_link_connecting does. */
void pg_link_ask_who(struct pg_link *link);
void pg_link_hear_who(struct pg_link *link);
/* Closes an open link whose server hung up while nothing was asked. */
void pg_link_check_idle(struct pg_link *link);
void pg_link_close(struct pg_link *link);
/* Closes and remembers why. */
void pg_link_lose(struct pg_link *link, enum pg_answer why, const char *problem);
/* Tells CALL why the link was lost. */
void pg_link_tell(const struct pg_link *link, struct pg_call *call);

/* Sends CALL's command on a link that is open, or asks. */
void pg_link_send(struct pg_link *link, const struct pg_call *call);
int pg_link_fd(const struct pg_link *link);
short pg_link_events(const struct pg_link *link);
/* After poll(2) on such a link: writes and reads what it can. */
void pg_link_serve(struct pg_link *link);
/* The next event of what was read. Ask until PG_LINK_NOTHING or PG_LINK_DONE; look at the state then. */
enum pg_link_event pg_link_take(struct pg_link *link, struct pg_call *call);
/* poll(2) tells of a COPY's data in portions; after so many milliseconds without one what came is to be read all
 * the same. */
#define PG_LINK_PORTION_MS 5

/* The next message of the COPY OUT, into SIZE bytes at DATA: its length; 0: none whole yet; -1: the COPY is
 * over, pg_link_take tells how. One that does not fit loses the link. */
int pg_link_copy(struct pg_link *link, char *data, size_t size);

/* Tells a server that streams both ways that this side is done; what it still sends is to be read. */
void pg_link_end_copy(struct pg_link *link);

/* As in client.h. */
const char *pg_link_parameter(const struct pg_link *link, const char *name);
int pg_link_version(const struct pg_link *link);
char *pg_link_literal(struct pg_link *link, const char *text);
char *pg_link_identifier(struct pg_link *link, const char *text);
char *pg_link_scram(struct pg_link *link, const char *user, const char *password);

#endif
