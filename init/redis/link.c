#include "init/redis/link.h"

#include <errno.h>
#include <hiredis.h>
#include <hiredis_ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "init/sys/buf.h"

/* The greatest reply: CLUSTER NODES of 1,000 nodes with scattered slots is below 1 MB. */
#define REPLY_CAP ((size_t)4 << 20)
#define ELEMENTS_MAX 64
/* Of an array, whose elements are parsed while it comes: three bytes of text cost a hundred of memory. */
#define ARRAY_CAP ((size_t)16 << 10)

void link_close(struct link *link)
{
    if (link->context != NULL)
        redisFree(link->context);
    link->context = NULL;
    link->session = NULL;
    link->state = LINK_CLOSED;
    link->auth_pending = 0;
}

void link_lose(struct link *link, enum redis_answer why, const char *problem)
{
    char copy[sizeof(link->problem)]; /* PROBLEM may lie in the context that goes */
    (void)snprintf(copy, sizeof(copy), "%s", problem);
    link_close(link);
    link->state = LINK_LOST;
    link->lost = why;
    (void)snprintf(link->problem, sizeof(link->problem), "%s", copy);
}

static void lose_errno(struct link *link, int number)
{
    enum redis_answer why = REDIS_BROKEN;
    if (number == ECONNREFUSED)
        why = REDIS_NOBODY;
    else if (number == ETIMEDOUT || number == EHOSTUNREACH || number == ENETUNREACH ||
             number == EHOSTDOWN)
        why = REDIS_SILENT;
    link_lose(link, why, strerror(number));
}

static void lose_tls(struct link *link, const struct ssl_st *session)
{
    enum redis_answer why = tls_lacks_trust(session) ? REDIS_UNTRUSTED : REDIS_BROKEN;
    link_lose(link, why, tls_problem(session));
}

/* The context reports an error of its own: what the peer sent, a reset, TLS. */
static void lose_context(struct link *link)
{
    const redisContext *context = link->context;
    if (link->session != NULL && context->err != REDIS_ERR_PROTOCOL)
        lose_tls(link, link->session);
    else
        link_lose(link, REDIS_BROKEN, context->errstr);
}

void link_connect(struct link *link)
{
    redisOptions options = {0};
    REDIS_OPTIONS_SET_TCP(&options, link->addr.text, link->port);
    options.options |= REDIS_OPT_NONBLOCK;
    errno = 0;
    redisContext *context = redisConnectWithOptions(&options);
    link->context = context;
    if (context == NULL || context->err != 0) {
        lose_errno(link, errno != 0 ? errno : ENOMEM);
        return;
    }
    context->reader->maxelements = ELEMENTS_MAX;
    link->unfinished = 0;
    link->state = LINK_CONNECTING;
}

/* A command that is not queued would give its place, and its reply, to the next one. */
static void append(struct link *link, int argc, const char *const *argv, const size_t *lens)
{
    if (link->state == LINK_OPEN &&
        redisAppendCommandArgv(link->context, argc, (const char **)argv, lens) != REDIS_OK)
        link_lose(link, REDIS_BROKEN, "out of memory");
}

static void queue_password(struct link *link, const char *username, const char *password,
                           size_t len)
{
    bool named = *username != '\0';
    const char *argv[3] = {"AUTH", username, password};
    size_t lens[3] = {4, strlen(username), len};
    if (!named) {
        argv[1] = argv[2];
        lens[1] = lens[2];
    }
    append(link, named ? 3 : 2, argv, lens);
    link->auth_pending++;
}

/* A refused AUTH leaves a connection as whom it was: of two passwords the one that fits counts. */
static void queue_auth(struct link *link, const struct link_access *access)
{
    link->auth_pending = 0;
    if (access->former_len > 0)
        queue_password(link, access->username, access->former, access->former_len);
    if (access->password_len > 0)
        queue_password(link, access->username, access->password, access->password_len);
}

void link_connected(struct link *link, const struct link_access *access)
{
    int number = 0;
    socklen_t size = sizeof(number);
    if (getsockopt(link_fd(link), SOL_SOCKET, SO_ERROR, &number, &size) != 0)
        number = errno;
    if (number != 0) {
        lose_errno(link, number);
        return;
    }
    link->state = LINK_OPEN;
    if (access->tls != NULL) {
        struct ssl_st *session = tls_session(access->tls, link->name);
        if (session == NULL) {
            link_lose(link, REDIS_BROKEN, "no TLS session");
            return;
        }
        if (redisInitiateSSL(link->context, session) != REDIS_OK) {
            lose_tls(link, session);
            tls_session_free(session); /* hiredis takes it over only when it succeeds */
            return;
        }
        link->session = session;
    }
    queue_auth(link, access);
}

void link_append(struct link *link, int argc, const char *const *argv)
{
    append(link, argc, argv, NULL);
}

int link_fd(const struct link *link)
{
    return ((const redisContext *)link->context)->fd;
}

short link_events(const struct link *link)
{
    if (link->state == LINK_CONNECTING)
        return POLLOUT;
    const redisContext *context = link->context;
    bool unsent = context->obuf != NULL && sdslen(context->obuf) > 0;
    if (link->session != NULL) /* TLS says what its handshake waits for */
        unsent = tls_wants_write(link->session) || (unsent && !tls_wants_read(link->session));
    return (short)(unsent ? POLLIN | POLLOUT : POLLIN);
}

void link_serve(struct link *link, short revents)
{
    redisContext *context = link->context;
    bool readable = (revents & (POLLIN | POLLERR | POLLHUP)) != 0;
    size_t before = context->reader->len;
    if (readable && redisBufferRead(context) != REDIS_OK) {
        lose_context(link);
        return;
    }
    link->unfinished += context->reader->len - before;
    if (link->unfinished > (context->reader->ridx > 0 ? ARRAY_CAP : REPLY_CAP)) {
        link_lose(link, REDIS_BROKEN, "the reply is too large");
        return;
    }
    int done = 0;
    if (context->obuf != NULL && sdslen(context->obuf) > 0 &&
        redisBufferWrite(context, &done) != REDIS_OK)
        lose_context(link);
}

/* The strings of an array, one a line: enough for CONFIG GET and ROLE. */
static void flatten(struct buf *out, const redisReply *reply, int depth)
{
    if (reply->type == REDIS_REPLY_INTEGER)
        buf_printf(out, "%lld\n", reply->integer);
    else if (reply->str != NULL)
        buf_printf(out, "%s\n", reply->str);
    for (size_t i = 0; i < reply->elements && depth < 4; i++)
        flatten(out, reply->element[i], depth + 1);
}

/* Nothing that a peer says may steer a terminal or begin a line of the log: control characters become
 * '?', but for the ends of lines in texts of several lines. */
static void tame(char *text, size_t len, bool lines)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < ' ' && !(lines && (c == '\n' || c == '\r'))) || c == 0x7f)
            text[i] = '?';
    }
}

static void take_text(struct redis_call *call, enum redis_answer answer, const char *text,
                      size_t len)
{
    call->answer = answer;
    call->text = malloc(len + 1);
    call->len = 0;
    if (call->text == NULL)
        return;
    memcpy(call->text, text, len);
    call->text[len] = '\0';
    call->len = len;
    tame(call->text, len, answer != REDIS_ERROR);
}

static void take_reply(struct redis_call *call, const redisReply *reply)
{
    switch (reply->type) {
    case REDIS_REPLY_ERROR:
        take_text(call, REDIS_ERROR, reply->str, reply->len);
        break;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_VERB:
        take_text(call, REDIS_TEXT, reply->str, reply->len);
        break;
    case REDIS_REPLY_INTEGER:
        call->answer = REDIS_NUMBER;
        call->number = reply->integer;
        break;
    default: {
        struct buf text = buf_new(REPLY_CAP);
        flatten(&text, reply, 0);
        take_text(call, REDIS_OTHER, buf_text(&text), text.len);
        buf_free(&text);
    }
    }
}

/* A server over its limit of clients says so to whoever comes and hangs up: that is no answer to AUTH. */
static bool is_of_auth(const redisReply *reply)
{
    return reply->type != REDIS_REPLY_ERROR || strstr(reply->str, "max number of clients") == NULL;
}

/* AUTH's own reply is passed over: a server without a password answers it with an error and then
 * everything; where the password is wrong, what follows says NOAUTH and is told as WRONGPASS. */
static void note_auth(struct link *link, const redisReply *reply)
{
    *link->auth_problem = '\0';
    if (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "WRONGPASS", 9) == 0)
        (void)snprintf(link->auth_problem, sizeof(link->auth_problem), "%s", reply->str);
}

bool link_take(struct link *link, struct redis_call *call)
{
    while (link->state == LINK_OPEN) {
        void *reply = NULL;
        if (redisGetReplyFromReader(link->context, &reply) != REDIS_OK) {
            lose_context(link);
            return false;
        }
        if (reply == NULL)
            return false;
        const redisReader *reader = ((const redisContext *)link->context)->reader;
        link->unfinished = reader->len - reader->pos;
        bool is_auth = link->auth_pending > 0 && is_of_auth(reply);
        link->auth_pending = is_auth ? link->auth_pending - 1 : 0;
        if (is_auth)
            note_auth(link, reply);
        else
            take_reply(call, reply);
        freeReplyObject(reply);
        if (is_auth)
            continue;
        if (*link->auth_problem != '\0' && redis_call_is_error(call, "NOAUTH")) {
            redis_call_free(call);
            take_text(call, REDIS_ERROR, link->auth_problem, strlen(link->auth_problem));
        }
        return true;
    }
    return false;
}
