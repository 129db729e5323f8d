#ifndef INIT_POSTGRES_CLIENT_H
#define INIT_POSTGRES_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/net/addr.h"
#include "init/sys/err.h"

/*
 * Talking to many Postgres servers at once by libpq's asynchronous interface (whose header link.c
 * alone includes): one kept connection a server, one deadline for a round. Addresses are literal:
 * libpq resolves no name (`host` names the server for TLS, `hostaddr` is where it is). Nothing of
 * libpq's environment (PGHOST, PGSERVICE, ~/.pgpass ...) has a say.
 */

struct pg_client;

/*
 * Where a server is and who we are to it. All texts are copied.
 *
 * A pod's name may still lead to an address that another pod has by now. So the first question of a connection to
 * POD_NAME's server is its cluster_name, which the configuration makes the pod's name and which no server changes
 * while it runs (PostgreSQL 17 docs, 19.8). One that tells another pod's of the set is closed again, as PG_SILENT;
 * nothing else was sent to it. One that tells no pod's (somebody else's configuration) is taken unless SHARED.
 */
struct pg_target {
    const char *host;       /* the name that a certificate must carry; sslmode verify-full checks it
                                ("" : the address is its name) */
    const char *pod_name;   /* whose server it is to be; "": whoever answers */
    bool shared;            /* another pod's name leads to ADDR, too */
    struct addr addr;       /* ADDR_NONE: socket_dir is used */
    const char *socket_dir; /* directory of the local socket; sslmode is "disable" there */
    int port;
    const char *user;
    const char *password; /* "": none */
    const char *database; /* ignored for a replication connection */
    bool replication;     /* a physical replication connection: walsender commands alone */
    const char *sslmode;  /* libpq's: disable, prefer, require, verify-ca, verify-full */
    const char *ssl_ca, *ssl_cert, *ssl_key; /* "" : none */
    const char *application_name;
};

/*
 * How a server's answer ended. The first seven are no answers of a session: they prove nothing. A password is
 * given to a server that speaks SCRAM alone; to one that asks for MD5 only where it is known: under sslmode
 * verify-ca or verify-full, or at a local socket; in clear text never (PG_DENIED).
 */
enum pg_answer {
    PG_SILENT,   /* nothing before the deadline, no route, or another pod's server */
    PG_NOBODY,   /* connection refused: nobody listens there now */
    PG_STARTING, /* 57P01 to 57P03: it is there; starting up, shutting down or not consistent yet */
    PG_DENIED,   /* class 28 (28P01 password, 28000 pg_hba) or 42501: message is the server's */
    PG_UNTRUSTED, /* TLS: one side does not accept the other, or a file of ours is missing */
    PG_FULL,      /* 53300: too many connections */
    PG_BROKEN,    /* cut off, or not Postgres' protocol */
    PG_ERROR,     /* an error of the command, or another one at the start: sqlstate and message */
    PG_ROWS,      /* done; rows may be none */
};

/* Rows of text, NULL for SQL's NULL; 4 MiB at most, else PG_BROKEN. */
struct pg_rows {
    size_t count, columns;
    char **values; /* count * columns, one allocation behind all; freed by pg_call_free */
};

#define PG_PARAMS_MAX 4

/* One command to one server. SQL takes parameters ($1); walsender commands take none. */
struct pg_call {
    int server; /* index that pg_client_server returned */
    const char *command;
    const char *params[PG_PARAMS_MAX];
    int param_count;
    enum pg_answer answer;
    char sqlstate[6];  /* "" : none */
    char message[256]; /* the first line of what the server or libpq said, never a secret */
    struct pg_rows rows;
};

bool pg_client_open(struct pg_client **client, struct err *err);
void pg_client_close(struct pg_client *client);

/* Adds a server; nothing is opened yet. Returns its index, -1 when out of memory. */
int pg_client_server(struct pg_client *client, const struct pg_target *target);
/* Points SERVER (-1: a new one) at TARGET, of the same pod; a connection to another address, or to one that is
 * SHARED since, ends. As pg_client_server. */
int pg_client_aim(struct pg_client *client, int server, const struct pg_target *target);

/*
 * Runs COUNT calls, all servers in parallel, the calls of one server in order, until all are
 * answered or the deadline comes. CONNECT_NS: the earlier deadline of connections that are not open
 * yet. A broken connection is opened anew by the next round. After a call that got no answer the
 * later ones of that server are not sent and end the same way; after PG_ERROR they are. Never fails:
 * each call tells its own outcome.
 */
void pg_client_round(struct pg_client *client, struct pg_call *calls, size_t count,
                     int64_t connect_ns, int64_t deadline_ns);

/* The same in one go, for calls that are all to succeed: false, with the first other one's pg_call_err, unless
 * each ends in PG_ROWS. The calls are the caller's to free. */
bool pg_client_run(struct pg_client *client, struct pg_call *calls, size_t count, const char *who,
                   int64_t deadline_ns, struct err *err);

struct pg_call pg_call_new(int server, const char *command);
void pg_call_free(struct pg_call *call);
void pg_calls_free(struct pg_call *calls, size_t count);
/* The text at ROW, COLUMN; "" for NULL and for what is not there. */
const char *pg_call_value(const struct pg_call *call, size_t row, size_t column);
bool pg_call_is_null(const struct pg_call *call, size_t row, size_t column);
/* ERR from a call that did not end in PG_ROWS: PG_DENIED is ERR_DENIED, PG_UNTRUSTED (a missing TLS file
 * too) ERR_CONFIG, the rest ERR_LATER; WHO is named first ("pg-1 (10.0.0.7)"). Returns false. */
bool pg_call_err(const struct pg_call *call, const char *who, struct err *err);

/* What the connection of SERVER told at its start: "server_version", "in_hot_standby" (14 and later);
 * "" where it is not open or does not tell. libpq docs 17, 32.2 PQparameterStatus. */
const char *pg_client_parameter(const struct pg_client *client, int server, const char *name);
/* Whether SERVER's last connection met a Postgres that is not, or may not be, its pod's: PG_SILENT of that kind. */
bool pg_client_leads_elsewhere(const struct pg_client *client, int server);
/* 150018 for 15.18; 0 where the connection is not open. */
int pg_client_version(const struct pg_client *client, int server);

/* TEXT as an SQL literal or identifier for SERVER's open connection (PQescapeLiteral,
 * PQescapeIdentifier); malloc'd, NULL where the connection is not open or out of memory. */
char *pg_client_literal(struct pg_client *client, int server, const char *text);
char *pg_client_identifier(struct pg_client *client, int server, const char *text);
/* The SCRAM-SHA-256 verifier of PASSWORD for USER, made here (PQencryptPasswordConn): the server and its
 * log never see the password. malloc'd, NULL on failure. */
char *pg_client_scram(struct pg_client *client, int server, const char *user, const char *password);

/*
 * A command that answers with several result sets and COPY OUT streams: BASE_BACKUP. The connection is
 * the stream's until its end.
 */
enum pg_stream_part {
    PG_STREAM_ROWS,    /* a result set: in CALL's rows */
    PG_STREAM_COPY,    /* a COPY OUT begins; it ends where another part than PG_STREAM_DATA comes */
    PG_STREAM_DATA,    /* a message of it: in PIECE */
    PG_STREAM_END,     /* all is done and well */
    PG_STREAM_WAITING, /* nothing came before the deadline; the connection is kept */
    PG_STREAM_FAILED,  /* CALL tells why; the connection is closed */
};
/* Where a message of a COPY OUT is put: SIZE bytes of the caller's, of which it took LEN. A message that is
 * as large as that or larger fails (PG_BROKEN): 13 to 18 send 300 KiB at most (basebackup_lz4.c's bound). */
struct pg_piece {
    char *data;
    size_t size, len;
};

/* Sends COMMAND (opens the connection where needed). False with CALL's answer where it cannot. */
bool pg_stream_begin(struct pg_client *client, int server, const char *command,
                     struct pg_call *call, int64_t deadline_ns);
/* Waits until DEADLINE_NS for the next part. */
enum pg_stream_part pg_stream_next(struct pg_client *client, int server, struct pg_call *call,
                                   struct pg_piece *piece, int64_t deadline_ns);
/* Ends the stream of a START_REPLICATION from this side: what comes meanwhile goes nowhere. Where the server has
 * not agreed by DEADLINE_NS the connection is closed; else it serves the next command. */
void pg_stream_end(struct pg_client *client, int server, struct pg_call *call,
                   struct pg_piece *piece, int64_t deadline_ns);
/* Closes the connection of a server, in the middle of whatever it says. */
void pg_client_hang_up(struct pg_client *client, int server);

#endif
