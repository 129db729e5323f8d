#include "init/sys/digest.h"

#include <openssl/sha.h>

/* The low-level functions: deprecated in OpenSSL 3 in favour of EVP, whose first use loads the
 * provider machinery, many times the cost of the few short digests that a start needs. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static void to_hex(const unsigned char *bytes, size_t count, char *hex)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[2 * count] = '\0';
}

void digest_sha1_hex(const void *data, size_t len, char hex[static 41])
{
    unsigned char digest[SHA_DIGEST_LENGTH];
    SHA_CTX context;
    (void)SHA1_Init(&context);
    (void)SHA1_Update(&context, data, len);
    (void)SHA1_Final(digest, &context);
    to_hex(digest, sizeof digest, hex);
}

void digest_sha256_hex(const void *data, size_t len, char hex[static 65])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256_CTX context;
    (void)SHA256_Init(&context);
    (void)SHA256_Update(&context, data, len);
    (void)SHA256_Final(digest, &context);
    to_hex(digest, sizeof digest, hex);
}
