#include "init/postgres/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/postgres/client_internal.h"
#include "init/sys/clock.h"

bool pg_client_open(struct pg_client **client, struct err *err)
{
    struct pg_client *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return err_set(err, ERR_IO, "out of memory");
    *client = made;
    return true;
}

void pg_client_close(struct pg_client *client)
{
    if (client == NULL)
        return;
    for (size_t i = 0; i < client->count; i++)
        pg_link_free(&client->links[i]);
    free(client->links);
    free(client);
}

int pg_client_server(struct pg_client *client, const struct pg_target *target)
{
    if (client->count == client->room) {
        size_t room = client->room == 0 ? 8 : client->room * 2;
        struct pg_link *more = realloc(client->links, room * sizeof(*more));
        if (more == NULL)
            return -1;
        client->links = more;
        client->room = room;
    }
    if (!pg_link_init(&client->links[client->count], target))
        return -1;
    return (int)client->count++;
}

int pg_client_aim(struct pg_client *client, int server, const struct pg_target *target)
{
    struct pg_link *link = pg_client_link(client, server);
    if (link == NULL)
        return pg_client_server(client, target);
    const struct pg_target *now = &link->kept.target;
    if (addr_equal(&now->addr, &target->addr) && now->shared == target->shared)
        return server;
    pg_link_free(link);
    return pg_link_init(link, target) ? server : -1;
}

struct pg_link *pg_client_link(const struct pg_client *client, int server)
{
    return server >= 0 && (size_t)server < client->count ? &client->links[server] : NULL;
}

struct round {
    struct pg_client *client;
    struct pg_call *calls;
    size_t count;
    size_t *current;      /* one a server: the index of its call under way; COUNT: none is left */
    bool *answered;       /* one a call */
    struct pollfd *polls; /* one a server */
};

static size_t next_call(const struct round *round, size_t server, size_t from)
{
    while (from < round->count && round->calls[from].server != (int)server)
        from++;
    return from;
}

static void send_current(const struct round *round, size_t server)
{
    struct pg_link *link = &round->client->links[server];
    if (round->current[server] < round->count && link->state == PG_LINK_OPEN)
        pg_link_send(link, &round->calls[round->current[server]]);
}

static void start_links(const struct round *round)
{
    for (size_t i = 0; i < round->client->count; i++) {
        struct pg_link *link = &round->client->links[i];
        round->current[i] = next_call(round, i, 0);
        if (round->current[i] == round->count)
            continue;
        pg_link_check_idle(link);
        if (link->state == PG_LINK_OPEN)
            send_current(round, i);
        else
            pg_link_connect(link);
    }
}

/* Fills the poll set with the links that owe an answer; returns how many. */
static size_t gather(const struct round *round, bool *connecting)
{
    size_t waiting = 0;
    *connecting = false;
    for (size_t i = 0; i < round->client->count; i++) {
        const struct pg_link *link = &round->client->links[i];
        bool active = round->current[i] < round->count &&
                      (link->state == PG_LINK_CONNECTING || link->state == PG_LINK_OPEN);
        round->polls[i] = (struct pollfd){.fd = active ? pg_link_fd(link) : -1,
                                          .events = active ? pg_link_events(link) : (short)0};
        *connecting = *connecting || (active && link->state == PG_LINK_CONNECTING);
        waiting += active;
    }
    return waiting;
}

static void take_answers(const struct round *round, size_t server)
{
    struct pg_link *link = &round->client->links[server];
    while (link->state == PG_LINK_OPEN && round->current[server] < round->count) {
        size_t index = round->current[server];
        enum pg_link_event event = pg_link_take(link, &round->calls[index]);
        if (event == PG_LINK_NOTHING)
            return;
        if (event == PG_LINK_COPY)
            pg_link_lose(link, PG_BROKEN, "a COPY that nobody asked for");
        round->answered[index] = event != PG_LINK_COPY;
        if (event == PG_LINK_DONE) {
            round->current[server] = next_call(round, server, index + 1);
            send_current(round, server);
        }
    }
}

static void serve_ready(const struct round *round)
{
    for (size_t i = 0; i < round->client->count; i++) {
        struct pg_link *link = &round->client->links[i];
        if (round->polls[i].fd < 0 || round->polls[i].revents == 0)
            continue;
        if (link->state == PG_LINK_CONNECTING) {
            pg_link_connecting(link);
            send_current(round, i);
        } else {
            pg_link_serve(link);
            take_answers(round, i);
        }
    }
}

static void give_up_connecting(const struct round *round)
{
    for (size_t i = 0; i < round->client->count; i++) {
        struct pg_link *link = &round->client->links[i];
        if (link->state == PG_LINK_CONNECTING && round->current[i] < round->count)
            pg_link_lose(link, PG_SILENT, "no answer to the connection");
    }
}

/* Unanswered calls tell why; a link that still owes an answer cannot be used again. */
static void settle(const struct round *round)
{
    for (size_t i = 0; i < round->client->count; i++) {
        struct pg_link *link = &round->client->links[i];
        if (round->current[i] < round->count && link->state != PG_LINK_LOST)
            pg_link_lose(link, PG_SILENT, "no answer in time");
    }
    for (size_t i = 0; i < round->count; i++) {
        struct pg_call *call = &round->calls[i];
        const struct pg_link *link = pg_client_link(round->client, call->server);
        if (!round->answered[i] && link != NULL)
            pg_link_tell(link, call);
    }
}

static void run(const struct round *round, int64_t connect_ns, int64_t deadline_ns)
{
    for (;;) {
        bool connecting = false;
        if (gather(round, &connecting) == 0)
            return;
        int64_t until_ns = connecting && connect_ns < deadline_ns ? connect_ns : deadline_ns;
        int ready = poll(round->polls, (nfds_t)round->client->count, clock_left_ms(until_ns));
        if (ready > 0)
            serve_ready(round);
        else if (ready < 0 && errno != EINTR)
            return;
        if (clock_expired(deadline_ns))
            return;
        if (connecting && clock_expired(connect_ns))
            give_up_connecting(round);
    }
}

void pg_client_round(struct pg_client *client, struct pg_call *calls, size_t count,
                     int64_t connect_ns, int64_t deadline_ns)
{
    struct round round = {.client = client, .calls = calls, .count = count};
    round.answered = calloc(count + 1, sizeof(*round.answered));
    round.current = calloc(client->count + 1, sizeof(*round.current));
    round.polls = calloc(client->count + 1, sizeof(*round.polls));
    if (round.answered != NULL && round.current != NULL && round.polls != NULL) {
        start_links(&round);
        run(&round, connect_ns, deadline_ns);
        settle(&round);
    }
    free(round.answered);
    free(round.current);
    free(round.polls);
}

bool pg_client_run(struct pg_client *client, struct pg_call *calls, size_t count, const char *who,
                   int64_t deadline_ns, struct err *err)
{
    pg_client_round(client, calls, count, deadline_ns, deadline_ns);
    for (size_t i = 0; i < count; i++)
        if (calls[i].answer != PG_ROWS)
            return pg_call_err(&calls[i], who, err);
    return true;
}

const char *pg_client_parameter(const struct pg_client *client, int server, const char *name)
{
    const struct pg_link *link = pg_client_link(client, server);
    return link != NULL ? pg_link_parameter(link, name) : "";
}

bool pg_client_leads_elsewhere(const struct pg_client *client, int server)
{
    const struct pg_link *link = pg_client_link(client, server);
    return link != NULL && link->elsewhere;
}

int pg_client_version(const struct pg_client *client, int server)
{
    const struct pg_link *link = pg_client_link(client, server);
    return link != NULL ? pg_link_version(link) : 0;
}

char *pg_client_literal(struct pg_client *client, int server, const char *text)
{
    struct pg_link *link = pg_client_link(client, server);
    return link != NULL ? pg_link_literal(link, text) : NULL;
}

char *pg_client_identifier(struct pg_client *client, int server, const char *text)
{
    struct pg_link *link = pg_client_link(client, server);
    return link != NULL ? pg_link_identifier(link, text) : NULL;
}

char *pg_client_scram(struct pg_client *client, int server, const char *user, const char *password)
{
    struct pg_link *link = pg_client_link(client, server);
    return link != NULL ? pg_link_scram(link, user, password) : NULL;
}
