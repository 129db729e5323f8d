#ifndef INIT_SYS_DIGEST_H
#define INIT_SYS_DIGEST_H

#include <stddef.h>

/* Hex digests by OpenSSL's libcrypto: no hash of our own. */
void digest_sha1_hex(const void *data, size_t len, char hex[static 41]);
void digest_sha256_hex(const void *data, size_t len, char hex[static 65]);

#endif
