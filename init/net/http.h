#ifndef INIT_NET_HTTP_H
#define INIT_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/sys/buf.h"
#include "init/sys/err.h"

/*
 * HTTP/1.1 and HTTPS by libcurl, whose header http.c alone includes: one client keeps its connection
 * from one request to the next. No proxy, no redirect, no cookie, nothing of curl's environment has a
 * say. A host that is no literal address is resolved by the machine's resolver, which keeps no deadline.
 */

struct http;

struct http_request {
    const char *method;         /* "GET", "PUT" ... */
    const char *url;            /* an IPv6 literal in brackets; made by ordain, never by a peer */
    const char *token;          /* of "Authorization: Bearer"; NULL: none. No message ever has it */
    const char *const *headers; /* more of them, "Name: value", the last NULL; NULL: none */
    const char *ca_pem; /* https: the certificates that are trusted, no others are. NULL: http */
    const char *body;   /* NULL: none */
    size_t body_len;
};

struct http_answer {
    int status;            /* 100 to 999; 0: no whole answer came */
    struct buf body;       /* made by the caller: its cap is the limit */
    char content_type[64]; /* "" : none, or longer */
    int64_t retry_after_s; /* of Retry-After in seconds (RFC 9110, 10.2.3); 0: none, or a date */
    bool sent; /* the request has gone, with all its body: the server may have done it, also where
                  no answer came */
};

bool http_open(struct http **http, struct err *err);
void http_close(struct http *http);

/*
 * Sends the request, once, and takes the whole answer, whatever its status, which is in ANSWER then
 * (body cleared before). Without a connection at CONNECT_NS or without the answer's end at DEADLINE_NS
 * (both absolute) it fails. ERR_LATER: nobody there, cut off, too slow, more than the body's cap, no HTTP or
 * no TLS. ERR_CONFIG: no trust (another authority, expired, another name); ERR_IO: out of memory. The
 * message is the reason alone, the caller knows who it is about. A request with a body
 * is never sent a second time by itself; one without may be, on a connection that was kept too long.
 */
bool http_ask(struct http *http, const struct http_request *request, struct http_answer *answer,
              int64_t connect_ns, int64_t deadline_ns, struct err *err);

#endif
