#include <errno.h>
#include <poll.h>
#include <string.h>

#include "init/postgres/client.h"
#include "init/postgres/client_internal.h"
#include "init/sys/clock.h"

enum turn { TURN_SERVED, TURN_LATE, TURN_LOST };

/* One turn of poll(2). */
static enum turn serve(struct pg_link *link, int64_t deadline_ns)
{
    struct pollfd wait = {.fd = pg_link_fd(link), .events = pg_link_events(link)};
    int left_ms = clock_left_ms(deadline_ns);
    bool portions = link->copying && left_ms > PG_LINK_PORTION_MS;
    int ready = poll(&wait, 1, portions ? PG_LINK_PORTION_MS : left_ms);
    if (ready == 0 && !portions)
        return TURN_LATE;
    if (ready == 0)
        ready = 1;
    if (ready < 0 && errno != EINTR)
        pg_link_lose(link, PG_BROKEN, strerror(errno));
    else if (ready > 0 && link->state == PG_LINK_CONNECTING)
        pg_link_connecting(link);
    else if (ready > 0)
        pg_link_serve(link);
    bool lives = link->state == PG_LINK_OPEN || link->state == PG_LINK_CONNECTING;
    return lives ? TURN_SERVED : TURN_LOST;
}

bool pg_stream_begin(struct pg_client *client, int server, const char *command,
                     struct pg_call *call, int64_t deadline_ns)
{
    struct pg_link *link = pg_client_link(client, server);
    pg_call_free(call);
    *call = pg_call_new(server, command);
    if (link == NULL)
        return false;
    pg_link_check_idle(link);
    if (link->state != PG_LINK_OPEN)
        pg_link_connect(link);
    while (link->state == PG_LINK_CONNECTING)
        if (serve(link, deadline_ns) == TURN_LATE)
            pg_link_lose(link, PG_SILENT, "no answer to the connection");
    if (link->state == PG_LINK_OPEN)
        pg_link_send(link, call);
    if (link->state != PG_LINK_OPEN)
        pg_link_tell(link, call);
    return link->state == PG_LINK_OPEN;
}

/* What was read already; PG_STREAM_WAITING: nothing whole. */
static enum pg_stream_part take(struct pg_link *link, struct pg_call *call, struct pg_piece *piece)
{
    if (link->copying) {
        int len = pg_link_copy(link, piece->data, piece->size);
        if (len >= 0) {
            piece->len = (size_t)len;
            return len > 0 ? PG_STREAM_DATA : PG_STREAM_WAITING;
        }
    }
    switch (pg_link_take(link, call)) {
    case PG_LINK_ROWS:
        return PG_STREAM_ROWS;
    case PG_LINK_COPY:
        return PG_STREAM_COPY;
    case PG_LINK_DONE:
        return PG_STREAM_END;
    case PG_LINK_ERROR:
        pg_link_close(link);
        return PG_STREAM_FAILED;
    case PG_LINK_NOTHING:
        break;
    }
    return PG_STREAM_WAITING;
}

enum pg_stream_part pg_stream_next(struct pg_client *client, int server, struct pg_call *call,
                                   struct pg_piece *piece, int64_t deadline_ns)
{
    struct pg_link *link = pg_client_link(client, server);
    for (;;) {
        enum pg_stream_part part = take(link, call, piece);
        if (part != PG_STREAM_WAITING)
            return part;
        enum turn turn = link->state == PG_LINK_OPEN ? serve(link, deadline_ns) : TURN_LOST;
        if (turn == TURN_LATE)
            return PG_STREAM_WAITING;
        if (turn == TURN_LOST)
            break;
    }
    pg_link_tell(link, call);
    return PG_STREAM_FAILED;
}

void pg_stream_end(struct pg_client *client, int server, struct pg_call *call,
                   struct pg_piece *piece, int64_t deadline_ns)
{
    struct pg_link *link = pg_client_link(client, server);
    if (link == NULL || link->state != PG_LINK_OPEN)
        return;
    enum pg_stream_part part = PG_STREAM_DATA;
    if (link->copying)
        pg_link_end_copy(link);
    while (part == PG_STREAM_DATA || part == PG_STREAM_ROWS)
        part = pg_stream_next(client, server, call, piece, deadline_ns);
    if (part != PG_STREAM_END)
        pg_link_close(link);
}

void pg_client_hang_up(struct pg_client *client, int server)
{
    struct pg_link *link = pg_client_link(client, server);
    if (link != NULL)
        pg_link_close(link);
}
