#include "init/net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init/net/addr.h"

struct tls {
    SSL_CTX *context;
};

/* OpenSSL tells a missing file and a bad one alike; access(2) tells which. */
static bool check_readable(const char *path, const char *setting, struct err *err)
{
    if (access(path, R_OK) == 0)
        return true;
    enum err_kind kind = errno == EACCES ? ERR_DENIED : ERR_CONFIG;
    return err_set(err, kind, "cannot read '%s' (%s): %s", path, setting, strerror(errno));
}

static const char *last_reason(void)
{
    unsigned long problem = ERR_peek_last_error();
    const char *reason = ERR_SYSTEM_ERROR(problem) ? strerror(ERR_GET_REASON(problem))
                                                   : ERR_reason_error_string(problem);
    ERR_clear_error();
    return reason != NULL ? reason : "no reason given";
}

static bool load_pair(SSL_CTX *context, const char *cert, const char *key, struct err *err)
{
    if (*cert == '\0' && *key == '\0')
        return true;
    if (*cert == '\0' || *key == '\0')
        return err_set(err, ERR_CONFIG,
                       "a TLS certificate and its key are set together or not at all");
    if (!check_readable(cert, "--tls-cert", err) || !check_readable(key, "--tls-key", err))
        return false;
    if (SSL_CTX_use_certificate_chain_file(context, cert) != 1)
        return err_set(err, ERR_CONFIG, "cannot use '%s' (--tls-cert): %s", cert, last_reason());
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        return err_set(err, ERR_CONFIG, "cannot use '%s' (--tls-key): %s", key, last_reason());
    return true;
}

bool tls_open(struct tls **tls, const char *ca, const char *cert, const char *key, struct err *err)
{
    if (ca != NULL && !check_readable(ca, "--tls-ca", err))
        return false;
    struct tls *opened = calloc(1, sizeof(*opened));
    SSL_CTX *context = opened != NULL ? SSL_CTX_new(TLS_client_method()) : NULL;
    if (context == NULL) {
        free(opened);
        return err_set(err, ERR_IO, "out of memory for TLS");
    }
    opened->context = context;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    bool done = SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1;
    if (done && ca != NULL && SSL_CTX_load_verify_locations(context, ca, NULL) != 1)
        done = err_set(err, ERR_CONFIG, "cannot use '%s' (--tls-ca): %s", ca, last_reason());
    if (!done || !load_pair(context, cert, key, err)) {
        tls_close(opened);
        return false;
    }
    *tls = opened;
    return true;
}

void tls_close(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

struct ssl_st *tls_session(struct tls *tls, const char *name)
{
    SSL *session = SSL_new(tls->context);
    if (session == NULL)
        return NULL;
    struct addr literal;
    int named;
    if (addr_parse(&literal, name))
        named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), literal.text);
    else
        named = SSL_set1_host(session, name) == 1 && SSL_set_tlsext_host_name(session, name) == 1;
    if (named != 1) {
        SSL_free(session);
        return NULL;
    }
    SSL_set_connect_state(session);
    return session;
}

void tls_session_free(struct ssl_st *session)
{
    SSL_free(session);
}

bool tls_wants_write(const struct ssl_st *session)
{
    return SSL_want_write(session);
}

bool tls_wants_read(const struct ssl_st *session)
{
    return SSL_want_read(session);
}

/* A finished handshake counts too: by TLS 1.3 a server refuses a client's certificate only then, and
 * its reset may come before its alert. */
bool tls_lacks_trust(const struct ssl_st *session)
{
    unsigned long problem = ERR_peek_last_error();
    bool alert =
        ERR_GET_LIB(problem) == ERR_LIB_SSL && ERR_GET_REASON(problem) >= SSL_AD_REASON_OFFSET;
    return alert || SSL_get_verify_result(session) != X509_V_OK || SSL_is_init_finished(session);
}

const char *tls_problem(const struct ssl_st *session)
{
    static char text[256];
    long verdict = SSL_get_verify_result(session);
    if (verdict != X509_V_OK) {
        (void)snprintf(text, sizeof(text), "certificate verify failed (%s)",
                       X509_verify_cert_error_string(verdict));
        return text;
    }
    /* A reset may come before the server's alert is read, and takes it away. */
    unsigned long problem = ERR_peek_last_error();
    bool cut = SSL_is_init_finished(session) && (problem == 0 || ERR_SYSTEM_ERROR(problem));
    (void)snprintf(
        text, sizeof(text), "%s",
        cut ? "cut off after the handshake, as by a server that demands another client's "
              "certificate"
            : last_reason());
    return text;
}
