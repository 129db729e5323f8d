#ifndef INIT_REDIS_LINK_H
#define INIT_REDIS_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "init/net/addr.h"
#include "init/net/tls.h"
#include "init/redis/client.h"

/* One connection to one Redis server, never blocking: the part of the client that knows hiredis. */

enum link_state { LINK_CLOSED, LINK_CONNECTING, LINK_OPEN, LINK_LOST };

struct link {
    struct addr addr;
    int port;
    char name[256]; /* what the certificate must carry */
    enum link_state state;
    enum redis_answer lost; /* why, when the state is LINK_LOST */
    char problem[160];
    void *context;          /* redisContext */
    struct ssl_st *session; /* owned by the context */
    size_t unfinished;      /* bytes read since the last whole reply */
    int auth_pending;       /* so many next replies are AUTH's */
    char auth_problem[128]; /* what AUTH answered, "" when it was not refused */
};

/* Who we are to a server: an ACL user ("" : the default user), a password ("" : none), TLS or NULL. */
struct link_access {
    const char *username;
    const char *password;
    size_t password_len;
    const char *former; /* the password before it changed, "": none (former_password.h) */
    size_t former_len;
    struct tls *tls;
};

/* Begins to connect; the state becomes LINK_CONNECTING or LINK_LOST. */
void link_connect(struct link *link);
/* After the socket became writable: finishes connecting, begins TLS, queues AUTH. The state becomes
 * LINK_OPEN or LINK_LOST. */
void link_connected(struct link *link, const struct link_access *access);
/* Queues one command. */
void link_append(struct link *link, int argc, const char *const *argv);
int link_fd(const struct link *link);
/* The poll(2) events that it waits for. */
short link_events(const struct link *link);
/* Reads and writes what it can for the poll(2) events REVENTS. Take the replies after each call: a link that
 * is lost loses what was not taken. */
void link_serve(struct link *link, short revents);
/* Moves the next whole reply into CALL's answer; false when there is none (yet). Loses the link on what
 * is not Redis' protocol and on a reply over the cap. */
bool link_take(struct link *link, struct redis_call *call);
/* Closes and remembers why. */
void link_lose(struct link *link, enum redis_answer why, const char *problem);
void link_close(struct link *link);

#endif
