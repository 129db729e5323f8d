#include "init/redis/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/net/tls.h"
#include "init/redis/former_password.h"
#include "init/redis/link.h"
#include "init/sys/clock.h"
#include "init/sys/file.h"

#define SECRET_CAP ((size_t)64 << 10)

struct redis_client {
    struct link *links;
    size_t count, room;
    struct buf password, former;
    struct link_access access;
};

static bool read_access(struct redis_client *client, const struct settings *settings,
                        struct err *err)
{
    const struct redis_settings *redis = &settings->redis;
    bool done = true;
    if (*redis->password_file != '\0')
        done = file_read_secret(redis->password_file, &client->password, err) &&
               former_password(settings->config_dir, &client->password, &client->former, err);
    else
        buf_add_text(&client->password, redis->password);
    client->access.password = buf_text(&client->password);
    client->access.password_len = client->password.len;
    client->access.former = buf_text(&client->former);
    client->access.former_len = client->former.len;
    return done && (*redis->tls_ca == '\0' || tls_open(&client->access.tls, redis->tls_ca,
                                                       redis->tls_cert, redis->tls_key, err));
}

static struct redis_client *client_new(const struct settings *settings, struct err *err)
{
    struct redis_client *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        (void)err_set(err, ERR_IO, "out of memory");
        return NULL;
    }
    made->password = buf_new(SECRET_CAP);
    made->former = buf_new(SECRET_CAP);
    made->access.username = settings->redis.username;
    made->access.password = made->access.former = "";
    return made;
}

bool redis_client_open(struct redis_client **client, const struct settings *settings,
                       struct err *err)
{
    struct redis_client *made = client_new(settings, err);
    if (made == NULL)
        return false;
    if (!read_access(made, settings, err)) {
        redis_client_close(made);
        return false;
    }
    *client = made;
    return true;
}

bool redis_client_open_bare(struct redis_client **client, const struct settings *settings,
                            struct err *err)
{
    struct redis_client *made = client_new(settings, err);
    if (made == NULL)
        return false;
    if (*settings->redis.tls_ca != '\0' && !tls_open(&made->access.tls, NULL, "", "", err)) {
        redis_client_close(made);
        return false;
    }
    *client = made;
    return true;
}

static void wipe(struct buf *secret)
{
    if (secret->data != NULL)
        explicit_bzero(secret->data, secret->size);
    buf_free(secret);
}

void redis_client_close(struct redis_client *client)
{
    if (client == NULL)
        return;
    for (size_t i = 0; i < client->count; i++)
        link_close(&client->links[i]);
    free(client->links);
    wipe(&client->password);
    wipe(&client->former);
    tls_close(client->access.tls);
    free(client);
}

int redis_client_server(struct redis_client *client, const struct addr *addr, int port,
                        const char *name)
{
    for (size_t i = 0; i < client->count; i++) {
        const struct link *known = &client->links[i];
        if (known->port == port && addr_equal(&known->addr, addr) && strcmp(known->name, name) == 0)
            return (int)i;
    }
    if (client->count == client->room) {
        size_t room = client->room == 0 ? 16 : client->room * 2;
        struct link *more = realloc(client->links, room * sizeof(*more));
        if (more == NULL)
            return -1;
        client->links = more;
        client->room = room;
    }
    struct link *link = &client->links[client->count];
    memset(link, 0, sizeof(*link));
    link->addr = *addr;
    link->port = port;
    (void)snprintf(link->name, sizeof(link->name), "%s", name);
    return (int)client->count++;
}

struct round {
    struct redis_client *client;
    struct redis_call *calls;
    size_t count;
    bool *answered;       /* one a call */
    size_t *owed;         /* one a server: its calls without an answer */
    struct pollfd *polls; /* one a server */
};

static struct redis_call *next_call(const struct round *round, size_t server)
{
    for (size_t i = 0; i < round->count; i++)
        if (round->calls[i].server == (int)server && !round->answered[i])
            return &round->calls[i];
    return NULL;
}

static void append_calls(const struct round *round, size_t server)
{
    for (size_t i = 0; i < round->count; i++) {
        const struct redis_call *call = &round->calls[i];
        if (call->server == (int)server)
            link_append(&round->client->links[server], call->argc, call->argv);
    }
}

static void start_links(const struct round *round)
{
    for (size_t i = 0; i < round->count; i++)
        if (round->calls[i].server >= 0) /* -1: there was no memory for it */
            round->owed[round->calls[i].server]++;
    for (size_t i = 0; i < round->client->count; i++) {
        struct link *link = &round->client->links[i];
        if (link->state == LINK_LOST)
            link->state = LINK_CLOSED;
        if (round->owed[i] == 0)
            continue;
        if (link->state == LINK_CLOSED)
            link_connect(link);
        else
            append_calls(round, i);
    }
}

/* Fills the poll set with the links that owe an answer; returns how many. */
static size_t gather(const struct round *round, bool *connecting)
{
    size_t waiting = 0;
    *connecting = false;
    for (size_t i = 0; i < round->client->count; i++) {
        const struct link *link = &round->client->links[i];
        bool active =
            round->owed[i] > 0 && (link->state == LINK_CONNECTING || link->state == LINK_OPEN);
        round->polls[i] = (struct pollfd){.fd = active ? link_fd(link) : -1,
                                          .events = active ? link_events(link) : (short)0};
        *connecting = *connecting || (active && link->state == LINK_CONNECTING);
        waiting += active;
    }
    return waiting;
}

static void take_replies(const struct round *round, size_t server)
{
    struct link *link = &round->client->links[server];
    struct redis_call *call = next_call(round, server);
    while (call != NULL && link_take(link, call)) {
        round->answered[call - round->calls] = true;
        round->owed[server]--;
        call = next_call(round, server);
    }
}

static void serve_ready(const struct round *round)
{
    for (size_t i = 0; i < round->client->count; i++) {
        struct link *link = &round->client->links[i];
        short revents = round->polls[i].revents;
        if (round->polls[i].fd < 0 || revents == 0)
            continue;
        if (link->state == LINK_CONNECTING) {
            link_connected(link, &round->client->access);
            if (link->state == LINK_OPEN)
                append_calls(round, i);
            revents = POLLOUT;
        }
        if (link->state == LINK_OPEN)
            link_serve(link, revents);
        take_replies(round, i);
    }
}

static void give_up_connecting(const struct round *round)
{
    for (size_t i = 0; i < round->client->count; i++) {
        struct link *link = &round->client->links[i];
        if (link->state == LINK_CONNECTING)
            link_lose(link, REDIS_SILENT, "no answer to the connection");
    }
}

/* Unanswered calls tell why; a link that still owes replies cannot be used again. */
static void settle(const struct round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        struct redis_call *call = &round->calls[i];
        if (round->answered[i])
            continue;
        if (call->server < 0)
            continue;
        struct link *link = &round->client->links[call->server];
        if (link->state != LINK_LOST)
            link_lose(link, REDIS_SILENT, "no answer in time");
        call->answer = link->lost;
        call->text = strdup(link->problem);
        call->len = call->text != NULL ? strlen(call->text) : 0;
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

void redis_client_round(struct redis_client *client, struct redis_call *calls, size_t count,
                        int64_t connect_ns, int64_t deadline_ns)
{
    struct round round = {.client = client, .calls = calls, .count = count};
    round.answered = calloc(count + 1, sizeof(*round.answered));
    round.owed = calloc(client->count + 1, sizeof(*round.owed));
    round.polls = calloc(client->count + 1, sizeof(*round.polls));
    if (round.answered != NULL && round.owed != NULL && round.polls != NULL) {
        start_links(&round);
        run(&round, connect_ns, deadline_ns);
        settle(&round);
    }
    free(round.answered);
    free(round.owed);
    free(round.polls);
}
