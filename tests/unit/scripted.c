#include "tests/unit/scripted.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PEERS_MAX 8

struct scripted {
    struct script script;
    int listener, port;
    int stop_pipe[2];
    atomic_int connections;
    pthread_t thread;
};

static int listen_somewhere(int *port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&addr, size) == 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &size), 0);
    *port = ntohs(addr.sin_port);
    return fd;
}

/* False when the test is over first. */
static bool wait_for(const struct scripted *server, int fd, short events, int timeout_ms)
{
    struct pollfd polls[2] = {
        {.fd = server->stop_pipe[0], .events = POLLIN},
        {.fd = fd,                   .events = events},
    };
    (void)poll(polls, 2, timeout_ms);
    return polls[0].revents == 0;
}

static bool listen_to(const struct scripted *server, int fd)
{
    char heard[1 << 16];
    size_t len = 0;
    while (wait_for(server, fd, POLLIN, -1) && len < sizeof(heard) - 1) {
        ssize_t got = recv(fd, heard + len, sizeof(heard) - 1 - len, MSG_DONTWAIT);
        if (got == 0)
            return false;
        len += got > 0 ? (size_t)got : 0;
        heard[len] = '\0';
        if (len > 0 &&
            (server->script.wanted == NULL || strstr(heard, server->script.wanted) != NULL))
            return true;
    }
    return false;
}

static bool say(const struct scripted *server, int fd, const char *text)
{
    size_t len = strlen(text);
    int pause_ms = server->script.byte_pause_ms;
    while (len > 0) {
        ssize_t sent = send(fd, text, pause_ms > 0 ? 1 : len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && !wait_for(server, fd, POLLOUT, 10))
            return false;
        struct pollfd gone = {.fd = fd, .events = 0};
        if (sent < 0 && poll(&gone, 1, 0) > 0)
            return false;
        text += sent > 0 ? sent : 0;
        len -= sent > 0 ? (size_t)sent : 0;
        if (pause_ms > 0 && !wait_for(server, -1, 0, pause_ms))
            return false;
    }
    return true;
}

static void end(const struct scripted *server, int fd)
{
    if (server->script.end == SCRIPTED_RESETS) {
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }
    close(fd);
}

static void *serve(void *argument)
{
    struct scripted *server = argument;
    int kept[PEERS_MAX];
    size_t count = 0;
    while (wait_for(server, server->listener, POLLIN, -1)) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            break;
        atomic_fetch_add(&server->connections, 1);
        const struct script *script = &server->script;
        bool on = (script->at_once || listen_to(server, fd)) &&
                  (script->head == NULL || say(server, fd, script->head));
        for (size_t i = 0; on && i < script->repeats; i++)
            on = say(server, fd, script->body);
        if (script->end == SCRIPTED_STAYS && count < PEERS_MAX)
            kept[count++] = fd;
        else
            end(server, fd);
    }
    while (count > 0)
        close(kept[--count]);
    return NULL;
}

struct scripted *scripted_start(const struct script *script)
{
    struct scripted *server = calloc(1, sizeof(*server));
    assert_non_null(server);
    server->script = *script;
    server->listener = listen_somewhere(&server->port);
    assert_int_equal(pipe(server->stop_pipe), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
    return server;
}

int scripted_port(const struct scripted *server)
{
    return server->port;
}

int scripted_connections(const struct scripted *server)
{
    return atomic_load(&((struct scripted *)(uintptr_t)server)->connections);
}

void scripted_stop(struct scripted *server)
{
    close(server->stop_pipe[1]);
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    close(server->stop_pipe[0]);
    close(server->listener);
    free(server);
}

int scripted_free_port(void)
{
    int port;
    close(listen_somewhere(&port));
    return port;
}
