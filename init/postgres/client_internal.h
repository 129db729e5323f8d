#ifndef INIT_POSTGRES_CLIENT_INTERNAL_H
#define INIT_POSTGRES_CLIENT_INTERNAL_H

#include "init/postgres/link.h"

/* What client.c and client_stream.c share. */
struct pg_client {
    struct pg_link *links;
    size_t count, room;
};

/* Of a server that may be -1 or unknown: NULL. */
struct pg_link *pg_client_link(const struct pg_client *client, int server);

#endif
