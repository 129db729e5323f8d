#include "init/postgres/link.h"

#include <libpq-fe.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "init/postgres/link_reason.h"
#include "init/sys/log.h"

/* A path at which nothing can be: libpq would look below the home directory otherwise. */
#define NOWHERE "/dev/null/none"

bool pg_link_init(struct pg_link *link, const struct pg_target *target)
{
    memset(link, 0, sizeof(*link));
    return kept_target_init(&link->kept, target);
}

void pg_link_free(struct pg_link *link)
{
    pg_link_close(link);
    kept_target_free(&link->kept);
}

void pg_link_close(struct pg_link *link)
{
    if (link->conn != NULL)
        PQfinish(link->conn);
    link->conn = NULL;
    link->state = PG_LINK_CLOSED;
    link->unsent = link->copying = link->asking = false;
    rows_drop(&link->rows);
    pg_call_free(&link->who);
}

void pg_link_lose(struct pg_link *link, enum pg_answer why, const char *problem)
{
    char copy[sizeof(link->problem)]; /* PROBLEM may lie in the connection that goes */
    pg_first_line(copy, sizeof(copy), problem);
    pg_link_close(link);
    link->state = PG_LINK_LOST;
    link->lost = why;
    memcpy(link->problem, copy, sizeof(copy));
}

/* By what libpq says of the connection. */
static void lose_conn(struct pg_link *link)
{
    struct pg_reason reason = pg_reason_parse(PQerrorMessage(link->conn));
    memcpy(link->sqlstate, reason.sqlstate, sizeof(reason.sqlstate));
    pg_link_lose(link, reason.answer, reason.message);
}

void pg_link_tell(const struct pg_link *link, struct pg_call *call)
{
    call->answer = link->lost;
    memcpy(call->sqlstate, link->sqlstate, sizeof(call->sqlstate));
    memcpy(call->message, link->problem, sizeof(call->message));
}

static void hear_notice(void *nothing, const char *message)
{
    char line[256];
    (void)nothing;
    pg_first_line(line, sizeof(line), message);
    log_debug("postgres: %s", line);
}

/*
 * Every parameter that could otherwise come from a file below the home directory is named here; what
 * could come from the environment is kept away by without_environment. A password is answered to
 * SCRAM alone, which proves the server's knowledge of it as well; `none` is for trust, peer and client
 * certificates. MD5, which old installations still ask for, only where the server is known: verified by TLS or
 * at a local socket; a cleartext password never. libpq 17 docs, 32.1.2 (require_auth since 16).
 */
static struct pg_conn *begin(const struct pg_target *target)
{
    bool local = target->addr.family == ADDR_NONE;
    bool known = local || strncmp(target->sslmode, "verify-", 7) == 0;
    char port[16];
    (void)snprintf(port, sizeof(port), "%d", target->port);
    const char *host = *target->host != '\0' ? target->host : target->addr.text;
    const char *const parameters[][2] = {
        {"host",                 local ? target->socket_dir : host                      },
        {"hostaddr",             local ? "" : target->addr.text                         },
        {"port",                 port                                                   },
        {"user",                 target->user                                           },
        {"password",             target->password                                       },
        {"passfile",             NOWHERE                                                },
        {"dbname",               target->replication ? "replication" : target->database },
        {"replication",          target->replication ? "true" : ""                      },
        {"application_name",     target->application_name                               },
        {"client_encoding",      "UTF8"                                                 },
        {"target_session_attrs", "any"                                                  },
        {"require_auth",         known ? "scram-sha-256,md5,none" : "scram-sha-256,none"},
        {"channel_binding",      "prefer"                                               },
        {"gssencmode",           "disable"                                              },
        {"sslmode",              local ? "disable" : target->sslmode                    },
        {"sslrootcert",          *target->ssl_ca != '\0' ? target->ssl_ca : NOWHERE     },
        {"sslcertmode",          *target->ssl_cert != '\0' ? "allow" : "disable"        },
        {"sslcert",              *target->ssl_cert != '\0' ? target->ssl_cert : NOWHERE },
        {"sslkey",               *target->ssl_key != '\0' ? target->ssl_key : NOWHERE   },
        {"sslcrl",               NOWHERE                                                },
        {"sslcompression",       "0"                                                    },
    };
    enum { PARAMETERS = sizeof(parameters) / sizeof(parameters[0]) };
    const char *names[PARAMETERS + 1] = {NULL}, *values[PARAMETERS + 1] = {NULL};
    for (size_t i = 0; i < PARAMETERS; i++) {
        names[i] = parameters[i][0];
        values[i] = parameters[i][1];
    }
    return PQconnectStartParams(names, values, 0);
}

/* libpq reads PGPASSWORD, PGSERVICE, PGOPTIONS, PGTZ, HOME ... where a parameter is absent, at the
 * start and again while it connects. An empty environment for the time of the call is told from none by
 * nobody; no other thread of ours reads it. */
static char **empty_environment(void)
{
    static char *nothing[] = {NULL};
    char **kept = environ;
    environ = nothing;
    return kept;
}

void pg_link_connect(struct pg_link *link)
{
    pg_link_close(link);
    link->lost = PG_SILENT;
    *link->sqlstate = *link->problem = '\0';
    link->elsewhere = false;
    char **kept = empty_environment();
    link->conn = begin(&link->kept.target);
    environ = kept;
    if (link->conn == NULL) {
        pg_link_lose(link, PG_BROKEN, "out of memory");
        return;
    }
    if (PQstatus(link->conn) == CONNECTION_BAD) {
        lose_conn(link);
        return;
    }
    /* Verbose: the one way to learn the SQLSTATE of a refused connection. */
    (void)PQsetErrorVerbosity(link->conn, PQERRORS_VERBOSE);
    (void)PQsetNoticeProcessor(link->conn, hear_notice, NULL);
    link->state = PG_LINK_CONNECTING;
    link->connect_events = POLLOUT;
}

void pg_link_connecting(struct pg_link *link)
{
    if (link->asking) {
        pg_link_hear_who(link);
        return;
    }
    char **kept = empty_environment();
    PostgresPollingStatusType status = PQconnectPoll(link->conn);
    environ = kept;
    if (status == PGRES_POLLING_FAILED)
        lose_conn(link);
    else if (status == PGRES_POLLING_OK && PQsetnonblocking(link->conn, 1) != 0)
        pg_link_lose(link, PG_BROKEN, "the connection cannot be non-blocking");
    else if (status == PGRES_POLLING_OK && *link->kept.target.pod_name != '\0')
        pg_link_ask_who(link);
    else if (status == PGRES_POLLING_OK)
        link->state = PG_LINK_OPEN;
    else
        link->connect_events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
}

void pg_link_check_idle(struct pg_link *link)
{
    /* The server's last words come first, then the end. */
    for (int turn = 0; link->state == PG_LINK_OPEN && turn < 16; turn++) {
        struct pollfd wait = {.fd = PQsocket(link->conn), .events = POLLIN};
        if (poll(&wait, 1, 0) == 0)
            return;
        if (PQconsumeInput(link->conn) == 0)
            pg_link_close(link);
    }
}

static void note_flush(struct pg_link *link, int flushed)
{
    link->unsent = flushed > 0;
    if (flushed < 0)
        lose_conn(link);
}

void pg_link_send(struct pg_link *link, const struct pg_call *call)
{
    /* A walsender knows the simple protocol alone (protocol docs 17, 53.4). */
    int sent = link->kept.target.replication
                   ? PQsendQuery(link->conn, call->command)
                   : PQsendQueryParams(link->conn, call->command, call->param_count, NULL,
                                       call->params, NULL, NULL, 0);
    /* Row by row, so that what a server says is bounded by our cap and not by libpq's memory. */
    if (sent == 0 || PQsetSingleRowMode(link->conn) == 0) {
        lose_conn(link);
        return;
    }
    note_flush(link, PQflush(link->conn));
}

int pg_link_fd(const struct pg_link *link)
{
    return PQsocket(link->conn);
}

short pg_link_events(const struct pg_link *link)
{
    if (link->state == PG_LINK_CONNECTING && !link->asking)
        return link->connect_events;
    return (short)(link->unsent ? POLLIN | POLLOUT : POLLIN);
}

void pg_link_serve(struct pg_link *link)
{
    if (link->unsent)
        note_flush(link, PQflush(link->conn));
    /* A failure is a result of PQgetResult as well, behind what came before it. */
    if (link->conn != NULL)
        (void)PQconsumeInput(link->conn);
    if (link->conn != NULL && link->copying && link->reads_ahead > 0) {
        link->reads_ahead--;
        (void)PQconsumeInput(link->conn);
    }
}

/*
 * A backup comes in messages of 32 kB, and a wake-up and a read for each of them costs more than to copy it.
 * So the socket becomes readable at PORTION_BYTES only, and libpq, whose buffer doubles when it
 * is asked to read into one that is full, is made to have one that takes a few portions.
 */
static void set_portions(struct pg_link *link, bool copying)
{
    enum { PORTION_BYTES = 128 << 10, READS_AHEAD = 3 };
    int least = copying ? PORTION_BYTES : 1;
    (void)setsockopt(PQsocket(link->conn), SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least));
    if (copying && !link->copying && link->reads_ahead == 0)
        link->reads_ahead = READS_AHEAD;
    link->copying = copying;
}

static void take_rows(struct pg_link *link, const PGresult *result)
{
    int columns = PQnfields(result);
    if (link->rows.rows == 0)
        rows_begin(&link->rows, (size_t)columns);
    for (int row = 0; row < PQntuples(result); row++) {
        for (int i = 0; i < columns; i++)
            rows_add(&link->rows, PQgetisnull(result, row, i) ? NULL : PQgetvalue(result, row, i));
        link->rows.rows++;
    }
}

static enum pg_link_event finish_rows(struct pg_link *link, struct pg_call *call)
{
    call->answer = PG_ROWS;
    if (rows_finish(&link->rows, &call->rows))
        return PG_LINK_ROWS;
    pg_link_lose(link, PG_BROKEN, "the answer is too large");
    return PG_LINK_NOTHING;
}

/* The server's error, which may end the session, or libpq's where the connection broke. */
static enum pg_link_event take_error(struct pg_link *link, const PGresult *result,
                                     struct pg_call *call)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (sqlstate == NULL) {
        lose_conn(link);
        return PG_LINK_NOTHING;
    }
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    rows_drop(&link->rows);
    (void)snprintf(call->sqlstate, sizeof(call->sqlstate), "%s", sqlstate);
    pg_first_line(call->message, sizeof(call->message), primary != NULL ? primary : "");
    call->answer = pg_reason_of_sqlstate(call->sqlstate);
    if (severity == NULL || strcmp(severity, "ERROR") == 0)
        return PG_LINK_ERROR;
    memcpy(link->sqlstate, call->sqlstate, sizeof(link->sqlstate));
    pg_link_lose(link, call->answer, call->message);
    return PG_LINK_NOTHING;
}

static enum pg_link_event take_result(struct pg_link *link, const PGresult *result,
                                      struct pg_call *call)
{
    switch ((int)PQresultStatus(result)) {
    case PGRES_SINGLE_TUPLE:
        take_rows(link, result);
        return PG_LINK_NOTHING;
    case PGRES_TUPLES_OK:
        take_rows(link, result);
        return finish_rows(link, call);
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
        rows_begin(&link->rows, 0);
        return finish_rows(link, call);
    case PGRES_COPY_OUT:
        set_portions(link, true);
        return PG_LINK_COPY;
    case PGRES_COPY_BOTH: /* START_REPLICATION: what is there comes at once, the rest when it is written */
        link->copying = true;
        return PG_LINK_COPY;
    case PGRES_FATAL_ERROR:
        return take_error(link, result, call);
    default:
        pg_link_lose(link, PG_BROKEN, "an answer that nobody asked for");
        return PG_LINK_NOTHING;
    }
}

enum pg_link_event pg_link_take(struct pg_link *link, struct pg_call *call)
{
    while (link->conn != NULL && !link->copying && PQisBusy(link->conn) == 0) {
        PGresult *result = PQgetResult(link->conn);
        if (result == NULL)
            return PG_LINK_DONE;
        enum pg_link_event event = take_result(link, result, call);
        PQclear(result);
        if (event != PG_LINK_NOTHING)
            return event;
    }
    return PG_LINK_NOTHING;
}

/* PQgetlineAsync, the older of two ways to read COPY data, puts it where the caller wants it; PQgetCopyData
 * allocates each message, which costs the clone of a large database half as much again. */
int pg_link_copy(struct pg_link *link, char *data, size_t size)
{
    int room = size < INT_MAX ? (int)size : INT_MAX;
    int len = PQgetlineAsync(link->conn, data, room);
    if (len == room) { /* perhaps a part: no telling where the message ends */
        pg_link_lose(link, PG_BROKEN, "a message larger than a server sends");
        return 0;
    }
    /* The rest of a message that a broken connection owes is waited for by libpq, not missed. */
    if (len == 0 && PQstatus(link->conn) == CONNECTION_BAD)
        lose_conn(link);
    if (len >= 0)
        return len;
    char *none = NULL; /* leaves the COPY, which the other does not */
    (void)PQgetCopyData(link->conn, &none, 1);
    PQfreemem(none);
    set_portions(link, false);
    return -1;
}

void pg_link_end_copy(struct pg_link *link)
{
    if (PQputCopyEnd(link->conn, NULL) != 1) {
        lose_conn(link);
        return;
    }
    note_flush(link, PQflush(link->conn));
}

const char *pg_link_parameter(const struct pg_link *link, const char *name)
{
    const char *value = link->state == PG_LINK_OPEN ? PQparameterStatus(link->conn, name) : NULL;
    return value != NULL ? value : "";
}

int pg_link_version(const struct pg_link *link)
{
    return link->state == PG_LINK_OPEN ? PQserverVersion(link->conn) : 0;
}

/* libpq's buffer as the caller's own: its PQfreemem is free(3) but on Windows. */
char *pg_link_literal(struct pg_link *link, const char *text)
{
    return link->state == PG_LINK_OPEN ? PQescapeLiteral(link->conn, text, strlen(text)) : NULL;
}

char *pg_link_identifier(struct pg_link *link, const char *text)
{
    return link->state == PG_LINK_OPEN ? PQescapeIdentifier(link->conn, text, strlen(text)) : NULL;
}

char *pg_link_scram(struct pg_link *link, const char *user, const char *password)
{
    return link->state == PG_LINK_OPEN
               ? PQencryptPasswordConn(link->conn, password, user, "scram-sha-256")
               : NULL;
}
