#ifndef TESTS_UNIT_SCRIPTED_H
#define TESTS_UNIT_SCRIPTED_H

#include <stdbool.h>
#include <stddef.h>

/* A server on 127.0.0.1 that says what it is told to, in a thread of its own: for clients that meet
 * anything. */

enum scripted_end {
    SCRIPTED_STAYS, /* silent from then on */
    SCRIPTED_CLOSES,
    SCRIPTED_RESETS, /* with a TCP reset */
};

struct script {
    const char *head;   /* said first, once a connection */
    const char *body;   /* then this, again and again */
    size_t repeats;     /* so often */
    int byte_pause_ms;  /* 0: all at once; else byte by byte */
    bool at_once;       /* speaks before it is spoken to, and never listens */
    const char *wanted; /* begins when it has read this; NULL: anything */
    enum scripted_end end;
};

struct scripted;

/* Starts it; the texts of SCRIPT must live until it is stopped. */
struct scripted *scripted_start(const struct script *script);
int scripted_port(const struct scripted *server);
/* How many connections it has taken. */
int scripted_connections(const struct scripted *server);
void scripted_stop(struct scripted *server);
/* A port that nobody listens at. */
int scripted_free_port(void);

#endif
