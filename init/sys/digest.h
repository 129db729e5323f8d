#ifndef INIT_SYS_DIGEST_H
#define INIT_SYS_DIGEST_H

#include <stddef.h>

/* Hex digests by OpenSSL's libcrypto: no hash of our own. */
void digest_sha1_hex(const void *data, size_t len, char hex[static 41]);
void digest_sha256_hex(const void *data, size_t len, char hex[static 65]);

/* SHA-256 of what comes piece by piece. */
struct digest;
/* NULL when out of memory. */
struct digest *digest_new(void);
void digest_add(struct digest *digest, const void *data, size_t len);
void digest_hex(struct digest *digest, char hex[static 65]);
void digest_free(struct digest *digest);

#endif
