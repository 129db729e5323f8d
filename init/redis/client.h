#ifndef INIT_REDIS_CLIENT_H
#define INIT_REDIS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/net/addr.h"
#include "init/settings.h"
#include "init/sys/err.h"

/*
 * Talking to many Redis servers at once by hiredis (whose headers link.c alone includes): one kept
 * connection a server, commands pipelined, one deadline for a round. Addresses are literal. Every
 * buffer has a cap: a hostile length ends the connection, not the memory.
 */

struct redis_client;

/* Reads password and TLS files named by the settings now; they are used for every connection of this
 * client. *client is freed by redis_client_close. */
bool redis_client_open(struct redis_client **client, const struct settings *settings,
                       struct err *err);
/* For a question that needs no rights, where password and TLS files cannot be read: without a password,
 * and over TLS trusting nobody, so that the answer is NOAUTH or REDIS_UNTRUSTED; both are signs of life. */
bool redis_client_open_bare(struct redis_client **client, const struct settings *settings,
                            struct err *err);
void redis_client_close(struct redis_client *client);

/*
 * What a server said to one command. The first four are no answers: silence, a firewall, a server that
 * starts prove nothing.
 */
enum redis_answer {
    REDIS_SILENT,    /* nothing before the deadline, or no route */
    REDIS_NOBODY,    /* connection refused: nobody listens there now */
    REDIS_BROKEN,    /* cut off, not Redis' protocol, over a cap; text says what */
    REDIS_UNTRUSTED, /* it speaks TLS, and one side does not accept the other's certificate */
    REDIS_ERROR,     /* a well-formed error: text is "LOADING ...", "NOAUTH ..." */
    REDIS_TEXT,      /* a string or status */
    REDIS_NUMBER,
    REDIS_OTHER, /* a well-formed reply of another kind (array, nil); text is its strings, one a line */
};

/* One command to one server. */
struct redis_call {
    int server; /* index that redis_client_server returned */
    int argc;
    const char *argv[8];
    enum redis_answer answer;
    char *text; /* malloc'd, NUL-terminated, freed by redis_call_free; NULL for REDIS_NUMBER */
    size_t len;
    long long number;
};

/* Adds a server; NAME is what its certificate must carry under TLS. Nothing is opened yet. Returns its
 * index; the same address, port and name give the same index. -1 when out of memory. */
int redis_client_server(struct redis_client *client, const struct addr *addr, int port,
                        const char *name);

/*
 * Runs COUNT calls, all servers in parallel, the calls of one server in order, until all are answered or
 * the deadline comes. CONNECT_NS: the earlier deadline of connections that are not open yet. A broken
 * connection is opened anew by the next round. Never fails: each call tells its own outcome.
 */
void redis_client_round(struct redis_client *client, struct redis_call *calls, size_t count,
                        int64_t connect_ns, int64_t deadline_ns);

/* A call ready to run; the texts must live until the round is over. */
struct redis_call redis_call_new(int server, int argc, const char *const *argv);
void redis_call_free(struct redis_call *call);
void redis_calls_free(struct redis_call *calls, size_t count);

/* The answer's text, "" where there is none. */
const char *redis_call_text(const struct redis_call *call);
/* True when the server refuses our user or password: NOAUTH, WRONGPASS, NOPERM. */
bool redis_call_is_denied(const struct redis_call *call);
/* True when the call was answered by an error that begins with WORD ("LOADING"). */
bool redis_call_is_error(const struct redis_call *call, const char *word);
bool redis_call_is_ok(const struct redis_call *call);

/* ERR from a call that did not answer as hoped: NOAUTH, WRONGPASS, NOPERM are ERR_DENIED; the rest
 * ERR_LATER. Returns false. */
bool redis_call_err(const struct redis_call *call, const char *who, struct err *err);

#endif
