#ifndef INIT_NET_TLS_H
#define INIT_NET_TLS_H

#include <stdbool.h>

#include "init/sys/err.h"

/* TLS by OpenSSL, TLS 1.2 or later, for clients that verify the server's chain and its name (hiredis
 * 1.2 verifies no name by itself). This is the one client file of openssl/ssl.h. */

struct tls;
struct ssl_st; /* OpenSSL's SSL: what hiredis_ssl.h takes */

/* Loads CA (NULL: no server is trusted, every handshake ends there) and, where CERT is not "", the client's certificate and key. Files are read now: a later run
 * sees rotated ones. ERR_CONFIG when a file is missing or does not fit the key, ERR_DENIED when it may
 * not be read. */
bool tls_open(struct tls **tls, const char *ca, const char *cert, const char *key, struct err *err);
void tls_close(struct tls *tls);

/* A client session that will accept only a certificate for NAME (a DNS name without trailing dot; it
 * is also sent as SNI) or, when NAME is a literal address, for that address. NULL when out of memory.
 * Whoever takes it over (hiredis) frees it; tls_session_free is for a session nobody took. */
struct ssl_st *tls_session(struct tls *tls, const char *name);
void tls_session_free(struct ssl_st *session);

/* True when the session's last call waits for the socket to become writable, readable. */
bool tls_wants_write(const struct ssl_st *session);
bool tls_wants_read(const struct ssl_st *session);

/* Why the session's handshake failed, for a sentence: "certificate verify failed (hostname mismatch)".
 * Valid until the next call. */
const char *tls_problem(const struct ssl_st *session);

/* True when what failed was trust alone: the peer speaks TLS, and one side does not accept the other's
 * certificate. To be asked before tls_problem, which forgets. */
bool tls_lacks_trust(const struct ssl_st *session);

#endif
