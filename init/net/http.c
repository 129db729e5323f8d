#include "init/net/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "init/sys/clock.h"

/* A Retry-After of more is as good as this one. */
#define SECONDS_MAX INT64_C(1000000000)

struct http {
    CURL *curl;
};

/* One request under way. */
struct exchange {
    const struct http_request *request;
    struct http_answer *answer;
    size_t body_at; /* how much of the request's body curl has taken */
    struct curl_slist *headers;
    char problem[CURL_ERROR_SIZE];
};

bool http_open(struct http **http, struct err *err)
{
    struct http *made = calloc(1, sizeof *made);
    if (made != NULL && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        made->curl = curl_easy_init();
    if (made == NULL || made->curl == NULL) {
        free(made);
        return err_set(err, ERR_IO, "out of memory for HTTP");
    }
    *http = made;
    return true;
}

void http_close(struct http *http)
{
    if (http == NULL)
        return;
    curl_easy_cleanup(http->curl);
    free(http);
}

static size_t take_body(char *data, size_t size, size_t count, void *user)
{
    struct exchange *exchange = user;
    buf_add(&exchange->answer->body, data, size * count);
    return buf_ok(&exchange->answer->body) ? size * count : CURL_WRITEFUNC_ERROR;
}

/* curl itself tells Retry-After only where it is built with its parser of dates. */
static size_t take_header(char *data, size_t size, size_t count, void *user)
{
    static const char name[] = "retry-after:";
    static const size_t name_len = sizeof name - 1;
    struct exchange *exchange = user;
    size_t len = size * count;
    if (len <= name_len || strncasecmp(data, name, name_len) != 0)
        return len;
    int64_t seconds = 0;
    size_t at = name_len;
    while (at < len && data[at] == ' ')
        at++;
    for (; at < len && data[at] >= '0' && data[at] <= '9'; at++)
        seconds = seconds < SECONDS_MAX ? seconds * 10 + (data[at] - '0') : seconds;
    bool whole = at < len && strchr("\r\n ", data[at]) != NULL;
    exchange->answer->retry_after_s = whole ? seconds : 0;
    return len;
}

/* A body that is given so, with no way to rewind it, is not sent again by curl on another connection. */
static size_t give_body(char *data, size_t size, size_t count, void *user)
{
    struct exchange *exchange = user;
    size_t left = exchange->request->body_len - exchange->body_at;
    size_t len = left < size * count ? left : size * count;
    memcpy(data, exchange->request->body + exchange->body_at, len);
    exchange->body_at += len;
    return len;
}

static bool add_header(struct exchange *exchange, const char *header)
{
    struct curl_slist *longer = curl_slist_append(exchange->headers, header);
    if (longer == NULL)
        return false;
    exchange->headers = longer;
    return true;
}

static bool add_headers(struct exchange *exchange)
{
    const struct http_request *request = exchange->request;
    bool good = true;
    for (size_t i = 0; request->headers != NULL && request->headers[i] != NULL && good; i++)
        good = add_header(exchange, request->headers[i]);
    if (request->body != NULL) /* no round trip more for a body that is always taken */
        good = good && add_header(exchange, "Expect:");
    return good;
}

/* Values have many types, so no function can stand for it. */
#define SET(option, value) (curl_easy_setopt(curl, (option), (value)) == CURLE_OK)

/* What a connection that is given up has not sent yet is never sent: the system would go on trying for minutes
 * after its end, and an update would come when nobody reckons with it any more. */
static int never_linger(void *user, curl_socket_t fd, curlsocktype purpose)
{
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)user;
    (void)purpose;
    return setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0
               ? CURL_SOCKOPT_OK
               : CURL_SOCKOPT_ERROR;
}

static bool set_answer(CURL *curl, struct exchange *exchange)
{
    return SET(CURLOPT_ERRORBUFFER, exchange->problem) &&
           SET(CURLOPT_HEADERFUNCTION, take_header) && SET(CURLOPT_HEADERDATA, exchange) &&
           SET(CURLOPT_WRITEFUNCTION, take_body) && SET(CURLOPT_WRITEDATA, exchange);
}

static bool set_request(CURL *curl, struct exchange *exchange)
{
    const struct http_request *request = exchange->request;
    bool good = SET(CURLOPT_URL, request->url) && SET(CURLOPT_NOSIGNAL, 1L) &&
                SET(CURLOPT_SOCKOPTFUNCTION, never_linger) &&
                SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
                SET(CURLOPT_HTTPHEADER, exchange->headers);
    if (request->token != NULL)
        good = good && SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER) &&
               SET(CURLOPT_XOAUTH2_BEARER, request->token);
    if (request->body != NULL)
        good = good && SET(CURLOPT_UPLOAD, 1L) && SET(CURLOPT_READFUNCTION, give_body) &&
               SET(CURLOPT_READDATA, exchange) &&
               SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_len);
    return good && SET(CURLOPT_CUSTOMREQUEST, request->method);
}

/* The blob is part of what a kept connection must equal: a new authority asks for a new handshake. */
static bool set_tls(CURL *curl, const char *ca_pem)
{
    struct curl_blob blob = {.flags = CURL_BLOB_COPY};
    if (ca_pem == NULL)
        return SET(CURLOPT_PROTOCOLS_STR, "http");
    blob.data = (void *)ca_pem; /* copied */
    blob.len = strlen(ca_pem);
    return SET(CURLOPT_PROTOCOLS_STR, "https") &&
           SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           SET(CURLOPT_CAINFO_BLOB, &blob);
}

static bool set_deadlines(CURL *curl, int64_t connect_ns, int64_t deadline_ns)
{
    long connect_ms = clock_left_ms(connect_ns < deadline_ns ? connect_ns : deadline_ns);
    long all_ms = clock_left_ms(deadline_ns);
    /* 0 would be for ever */
    return SET(CURLOPT_CONNECTTIMEOUT_MS, connect_ms > 0 ? connect_ms : 1L) &&
           SET(CURLOPT_TIMEOUT_MS, all_ms > 0 ? all_ms : 1L);
}

/* What a failure is about. What is not named is a server or network that is not well. */
static enum err_kind kind_of(CURLcode code)
{
    switch ((int)code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return ERR_CONFIG;
    case CURLE_OUT_OF_MEMORY:
        return ERR_IO;
    default:
        return ERR_LATER;
    }
}

static bool tell_failure(struct exchange *exchange, CURLcode code, struct err *err)
{
    exchange->answer->status = 0;
    if (!buf_ok(&exchange->answer->body)) {
        return err_set(err, ERR_LATER, "its answer is longer than %zu bytes",
                       exchange->answer->body.cap);
    }
    const char *text = exchange->problem[0] != '\0' ? exchange->problem : curl_easy_strerror(code);
    if (code == CURLE_SSL_CONNECT_ERROR)
        return err_set(err, ERR_LATER, "it speaks no TLS there, or broke it off: %s", text);
    return err_set(err, kind_of(code), "%s", text);
}

static void take_facts(CURL *curl, const struct exchange *exchange, struct http_answer *answer)
{
    long status = 0;
    char *type = NULL;
    curl_off_t number = 0;
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (int)status;
    if (curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type != NULL &&
        strlen(type) < sizeof answer->content_type)
        (void)snprintf(answer->content_type, sizeof answer->content_type, "%s", type);
    (void)curl_easy_getinfo(curl, CURLINFO_PRETRANSFER_TIME_T, &number);
    answer->sent = number > 0 && exchange->body_at == exchange->request->body_len;
}

bool http_ask(struct http *http, const struct http_request *request, struct http_answer *answer,
              int64_t connect_ns, int64_t deadline_ns, struct err *err)
{
    CURL *curl = http->curl;
    struct exchange exchange = {.request = request, .answer = answer};
    buf_clear(&answer->body);
    *answer = (struct http_answer){.body = answer->body};
    curl_easy_reset(curl); /* keeps the connection */
    bool good = add_headers(&exchange) && set_answer(curl, &exchange) &&
                set_request(curl, &exchange) && set_tls(curl, request->ca_pem) &&
                set_deadlines(curl, connect_ns, deadline_ns);
    if (good) {
        CURLcode code = curl_easy_perform(curl);
        take_facts(curl, &exchange, answer);
        good = code == CURLE_OK || tell_failure(&exchange, code, err);
    } else {
        (void)err_set(err, ERR_IO, "out of memory for HTTP");
    }
    curl_easy_reset(curl); /* nothing of this call's stack stays behind */
    curl_slist_free_all(exchange.headers);
    return good;
}
