#include "init/net/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/sys/clock.h"

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

static bool set_transfer(CURL *curl, struct exchange *exchange)
{
    const struct http_request *request = exchange->request;
    bool good =
        curl_easy_setopt(curl, CURLOPT_URL, request->url) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, exchange->problem) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, exchange->headers) == CURLE_OK;
    if (request->token != NULL)
        good = good &&
               curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, request->token) == CURLE_OK;
    if (request->body != NULL)
        good = good && curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_body) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_READDATA, exchange) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_len) ==
                   CURLE_OK;
    return good && curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK;
}

/* The blob is part of what a kept connection must equal: a new authority asks for a new handshake. */
static bool set_tls(CURL *curl, const char *ca_pem)
{
    struct curl_blob blob = {.flags = CURL_BLOB_COPY};
    if (ca_pem == NULL)
        return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK;
    blob.data = (void *)ca_pem; /* copied */
    blob.len = strlen(ca_pem);
    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK;
}

static bool set_deadlines(CURL *curl, int64_t connect_ns, int64_t deadline_ns)
{
    long connect_ms = clock_left_ms(connect_ns < deadline_ns ? connect_ns : deadline_ns);
    long all_ms = clock_left_ms(deadline_ns);
    return curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, connect_ms > 0 ? connect_ms : 1) ==
               CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, all_ms > 0 ? all_ms : 1) == CURLE_OK;
}

/* What a failure is about. What is not named is a server or network that is not well. */
static enum err_kind kind_of(CURLcode code)
{
    switch ((int)code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
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
    if (curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &number) == CURLE_OK && number > 0)
        answer->retry_after_s = (int64_t)number;
    number = 0;
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
    bool good = add_headers(&exchange) && set_transfer(curl, &exchange) &&
                set_tls(curl, request->ca_pem) && set_deadlines(curl, connect_ns, deadline_ns);
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
