#include "init/sys/digest.h"

#include <openssl/sha.h>
#include <stdlib.h>

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

struct digest {
    SHA256_CTX context;
};

struct digest *digest_new(void)
{
    struct digest *digest = malloc(sizeof *digest);
    if (digest != NULL)
        (void)SHA256_Init(&digest->context);
    return digest;
}

void digest_add(struct digest *digest, const void *data, size_t len)
{
    (void)SHA256_Update(&digest->context, data, len);
}

void digest_hex(struct digest *digest, char hex[static 65])
{
    unsigned char bytes[SHA256_DIGEST_LENGTH];
    (void)SHA256_Final(bytes, &digest->context);
    to_hex(bytes, sizeof bytes, hex);
}

void digest_free(struct digest *digest)
{
    free(digest);
}

void digest_sha256_hex(const void *data, size_t len, char hex[static 65])
{
    struct digest digest;
    (void)SHA256_Init(&digest.context);
    digest_add(&digest, data, len);
    digest_hex(&digest, hex);
}
