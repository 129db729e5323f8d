#ifndef INIT_POSTGRES_LINK_REASON_H
#define INIT_POSTGRES_LINK_REASON_H

#include <stddef.h>

#include "init/postgres/client.h"

/* What libpq's text about a connection that failed means. The texts are those of the one libpq that is
 * linked in (deps/lock); tests/integration/test_pg_client.py holds them on real servers. */
struct pg_reason {
    enum pg_answer answer;
    char sqlstate[6]; /* "": none */
    char message[256];
};

/* Of PQerrorMessage under PQERRORS_VERBOSE: 'connection to server at "h" (1.2.3.4), port 5432 failed: FATAL:
 * 57P03: the database system is starting up'. The server is not repeated in the message. */
struct pg_reason pg_reason_parse(const char *text);

/* PG_ERROR but for the states that are answers of their own (PostgreSQL 17 docs, appendix A). */
enum pg_answer pg_reason_of_sqlstate(const char *sqlstate);

/* The first line of TEXT, cut at SIZE - 1 bytes; control characters become '?'. */
void pg_first_line(char *out, size_t size, const char *text);

#endif
