/* A server that says anything: a byte for the parts that it comes in, a byte for who we are, and what it
 * says. Over a real socket, as a server would: replies are whole texts without control characters, at most
 * as many as there are bytes, and a link that ends says why. */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "init/redis/link.h"

#define PORT 16399

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* A loopback address of this process, so that several fuzzers may run. */
static const struct addr *own_address(void)
{
    static struct addr addr;
    char text[32];
    unsigned pid = (unsigned)getpid();
    (void)snprintf(text, sizeof(text), "127.%u.%u.%u", 64 + (pid >> 16 & 63), pid >> 8 & 255,
                   1 + pid % 254);
    require(addr_parse(&addr, text));
    return &addr;
}

static int listen_once(void)
{
    static int listener = -1;
    if (listener < 0) {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)};
        int on = 1;
        require(inet_pton(AF_INET, own_address()->text, &at.sin_addr) == 1);
        listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        require(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
        require(bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0 &&
                listen(listener, 4) == 0);
    }
    return listener;
}

static void check_texts(struct link *link, size_t *left)
{
    struct redis_call call = {0};
    while (link_take(link, &call)) {
        require((*left)-- > 0);
        if (call.text != NULL) {
            require(strlen(call.text) == call.len);
            for (size_t i = 0; i < call.len; i++) {
                unsigned char c = (unsigned char)call.text[i];
                require(c != 0x7f &&
                        (c >= ' ' || (call.answer != REDIS_ERROR && (c == '\n' || c == '\r'))));
            }
        }
        redis_call_free(&call);
        memset(&call, 0, sizeof(call));
    }
}

static void serve(struct link *link, size_t *left)
{
    struct pollfd fd = {.fd = link_fd(link), .events = POLLIN};
    if (poll(&fd, 1, 0) == 1)
        link_serve(link, fd.revents);
    check_texts(link, left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const ping[] = {"PING"};
    if (size < 2)
        return 0;
    size_t part = data[0] == 0 ? size : data[0];
    struct link_access access = {
        .username = (data[1] & 1) != 0 ? "ordain" : "", .password = "a", .former = "b"};
    access.password_len = (data[1] & 2) != 0;
    access.former_len = (data[1] & 4) != 0;
    struct link link = {.addr = *own_address(), .port = PORT};
    int listener = listen_once();
    link_connect(&link);
    require(link.state == LINK_CONNECTING);
    int server = accept(listener, NULL, NULL);
    require(server >= 0);
    link_connected(&link, &access);
    require(link.state == LINK_OPEN);
    link_append(&link, 1, ping);
    size_t left = size;
    for (size_t at = 2; at < size && link.state == LINK_OPEN; at += part) {
        size_t len = size - at < part ? size - at : part;
        require(send(server, data + at, len, MSG_NOSIGNAL) == (ssize_t)len);
        serve(&link, &left);
    }
    const struct linger reset = {.l_onoff = 1}; /* no connection lingers in the kernel's tables */
    require(setsockopt(server, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
    require(close(server) == 0);
    for (int i = 0; i < 4 && link.state == LINK_OPEN; i++)
        serve(&link, &left);
    require(link.state == LINK_LOST && *link.problem != '\0');
    link_close(&link);
    return 0;
}
