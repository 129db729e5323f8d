#include <errno.h>
#include <poll.h>
#include <string.h>

#include "init/postgres/client.h"
#include "init/postgres/client_internal.h"
#include "init/sys/clock.h"

/* One turn of poll(2). False once the link is lost, by silence too. */
static bool serve(struct pg_link *link, int64_t deadline_ns)
{
    struct pollfd wait = {.fd = pg_link_fd(link), .events = pg_link_events(link)};
    int ready = poll(&wait, 1, clock_left_ms(deadline_ns));
    if (ready == 0)
        pg_link_lose(link, PG_SILENT, "no answer in time");
    else if (ready < 0 && errno != EINTR)
        pg_link_lose(link, PG_BROKEN, strerror(errno));
    else if (ready > 0 && link->state == PG_LINK_CONNECTING)
        pg_link_connecting(link);
    else if (ready > 0)
        pg_link_serve(link);
    return link->state == PG_LINK_OPEN || link->state == PG_LINK_CONNECTING;
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
    while (link->state == PG_LINK_CONNECTING && serve(link, deadline_ns)) {
    }
    if (link->state == PG_LINK_OPEN)
        pg_link_send(link, call);
    if (link->state != PG_LINK_OPEN)
        pg_link_tell(link, call);
    return link->state == PG_LINK_OPEN;
}

enum pg_stream_part pg_stream_next(struct pg_client *client, int server, struct pg_call *call,
                                   int64_t deadline_ns)
{
    struct pg_link *link = pg_client_link(client, server);
    do {
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
    } while (link->state == PG_LINK_OPEN && serve(link, deadline_ns));
    pg_link_tell(link, call);
    return PG_STREAM_FAILED;
}

int pg_stream_read(struct pg_client *client, int server, char **data, struct pg_call *call,
                   int64_t deadline_ns)
{
    struct pg_link *link = pg_client_link(client, server);
    do {
        int len = pg_link_copy(link, data);
        if (len != 0)
            return len > 0 ? len : 0;
    } while (serve(link, deadline_ns));
    pg_link_tell(link, call);
    return -1;
}
