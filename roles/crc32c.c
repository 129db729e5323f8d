#include "roles/crc32c.h"

#include <stdbool.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are read as they are in memory");

/*
 * Slicing by eight. Entry n of table k is the CRC of byte n followed by k zero bytes. It is linear
 * in n, so that eight powers of x modulo the polynomial (reflected: 0x82f63b78) span a whole table.
 */
#define PART(n, bit, power) ((n) >> (bit)&1 ? (power) : UINT32_C(0))
#define ENTRY(n, a, b, c, d, e, f, g, h)                                                           \
    PART(n, 0, a) ^ PART(n, 1, b) ^ PART(n, 2, c) ^ PART(n, 3, d) ^ PART(n, 4, e) ^                \
        PART(n, 5, f) ^ PART(n, 6, g) ^ PART(n, 7, h)
#define ENTRIES_4(n, ...)                                                                          \
    ENTRY(n, __VA_ARGS__), ENTRY((n) + 1, __VA_ARGS__), ENTRY((n) + 2, __VA_ARGS__),               \
        ENTRY((n) + 3, __VA_ARGS__)
#define ENTRIES_16(n, ...)                                                                         \
    ENTRIES_4(n, __VA_ARGS__), ENTRIES_4((n) + 4, __VA_ARGS__), ENTRIES_4((n) + 8, __VA_ARGS__),   \
        ENTRIES_4((n) + 12, __VA_ARGS__)
#define ENTRIES_64(n, ...)                                                                         \
    ENTRIES_16(n, __VA_ARGS__), ENTRIES_16((n) + 16, __VA_ARGS__),                                 \
        ENTRIES_16((n) + 32, __VA_ARGS__), ENTRIES_16((n) + 48, __VA_ARGS__)
#define TABLE(...)                                                                                 \
    {                                                                                              \
        ENTRIES_64(0, __VA_ARGS__), ENTRIES_64(64, __VA_ARGS__), ENTRIES_64(128, __VA_ARGS__),     \
            ENTRIES_64(192, __VA_ARGS__)                                                           \
    }

static const uint32_t tables[8][256] = {
    TABLE(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf, 0x105ec76f, 0x20bd8ede, 0x417b1dbc,
          0x82f63b78),
    TABLE(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8, 0x3fc5f181, 0x7f8be302, 0xff17c604,
          0xfbc3faf9),
    TABLE(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5, 0x70a27d8a, 0xe144fb14, 0xc76580d9,
          0x8b277743),
    TABLE(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6, 0xe964b13d, 0xd725148b, 0xaba65fe7,
          0x52a0c93f),
    TABLE(0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91, 0x8f2261d3, 0x1ba8b557, 0x37516aae,
          0x6ea2d55c),
    TABLE(0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f, 0xc00c303e, 0x85f4168d, 0x0e045beb,
          0x1c08b7d6),
    TABLE(0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53, 0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a,
          0xf56e0ef4),
    TABLE(0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da, 0x847609b4, 0x0d006599, 0x1a00cb32,
          0x34019664),
};

static inline uint64_t word_at(const unsigned char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len)
{
    const unsigned char *at = data;
    crc = ~crc;
    for (; len >= 8; at += 8, len -= 8) {
        uint64_t word = word_at(at) ^ crc;
        crc = 0;
        for (int i = 0; i < 8; i++)
            crc ^= tables[7 - i][word >> 8 * i & 0xff];
    }
    for (; len > 0; at++, len--)
        crc = crc >> 8 ^ tables[0][(crc ^ *at) & 0xff];
    return ~crc;
}

#if defined(__x86_64__)

/* SSE4.2 has the CRC of eight bytes as one instruction (Intel SDM vol. 2, CRC32), PCLMULQDQ the
 * product of two polynomials. */
#define WITH_CRC __attribute__((target("sse4.2")))
#define WITH_PRODUCT __attribute__((target("sse4.2,pclmul")))

typedef long long two_words __attribute__((vector_size(16)));

WITH_CRC static uint64_t by_words(uint64_t crc, const unsigned char *at, size_t len)
{
    for (; len >= 8; at += 8, len -= 8)
        crc = __builtin_ia32_crc32di(crc, word_at(at));
    for (; len > 0; at++, len--)
        crc = __builtin_ia32_crc32qi((uint32_t)crc, *at);
    return crc;
}

/*
 * The instruction answers after three cycles but takes another each cycle: three streams keep it
 * busy. A block's CRC moves over the N bytes behind it when it is multiplied by x^8N. The
 * instruction itself gives x^32 and the product of two reflected polynomials x^1, so the factors
 * are x^(8N - 33), reflected.
 */
struct blocks {
    size_t len;
    long long over_one, over_two; /* for N of len and 2 * len */
};

static const struct blocks long_blocks = {4096, 0x82f89c77, 0x54a86326};
static const struct blocks short_blocks = {256, 0xb9e02b86, 0xdd7e3b0c};

WITH_PRODUCT static uint64_t product(uint64_t crc, long long factor)
{
    two_words whole =
        __builtin_ia32_pclmulqdq128((two_words){(long long)crc, 0}, (two_words){factor, 0}, 0);
    return (uint64_t)whole[0];
}

WITH_PRODUCT static uint64_t by_three(uint64_t crc, const unsigned char *at,
                                      const struct blocks *blocks)
{
    uint64_t second = 0, third = 0;
    const size_t len = blocks->len;
    for (const unsigned char *end = at + len; at < end; at += 8) {
        crc = __builtin_ia32_crc32di(crc, word_at(at));
        second = __builtin_ia32_crc32di(second, word_at(at + len));
        third = __builtin_ia32_crc32di(third, word_at(at + 2 * len));
    }
    uint64_t moved = product(crc, blocks->over_two) ^ product(second, blocks->over_one);
    return third ^ __builtin_ia32_crc32di(0, moved);
}

WITH_PRODUCT static uint64_t by_streams(uint64_t crc, const unsigned char *at, size_t len)
{
    for (; len >= 3 * long_blocks.len; at += 3 * long_blocks.len, len -= 3 * long_blocks.len)
        crc = by_three(crc, at, &long_blocks);
    for (; len >= 3 * short_blocks.len; at += 3 * short_blocks.len, len -= 3 * short_blocks.len)
        crc = by_three(crc, at, &short_blocks);
    return by_words(crc, at, len);
}

enum skill { SKILL_UNKNOWN, SKILL_NONE, SKILL_CRC, SKILL_CRC_AND_PRODUCT };

/* CPUID leaf 1, ECX: bit 20 SSE4.2, bit 1 PCLMULQDQ (Intel SDM vol. 2, CPUID). A virtual machine's
 * host is asked each time, so the answer is kept; threads that ask at once get the same. */
static enum skill processor(void)
{
    static enum skill known;
    enum skill skill = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (skill != SKILL_UNKNOWN)
        return skill;
    uint32_t eax = 1, ebx, ecx = 0, edx;
    __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    skill = (ecx >> 20 & 1) == 0  ? SKILL_NONE
            : (ecx >> 1 & 1) == 0 ? SKILL_CRC
                                  : SKILL_CRC_AND_PRODUCT;
    __atomic_store_n(&known, skill, __ATOMIC_RELAXED);
    return skill;
}

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
    switch (processor()) {
    case SKILL_CRC_AND_PRODUCT:
        return ~(uint32_t)by_streams((uint32_t)~crc, data, len);
    case SKILL_CRC:
        return ~(uint32_t)by_words((uint32_t)~crc, data, len);
    case SKILL_UNKNOWN:
    case SKILL_NONE:
        break;
    }
    return crc32c_portable(crc, data, len);
}

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

/* Arm ARM C6.2, CRC32CX and CRC32CB: an extension of Armv8.0, part of every Armv8.1. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
    const unsigned char *at = data;
    crc = ~crc;
    for (; len >= 8; at += 8, len -= 8)
        __asm__("crc32cx %w0, %w0, %x1" : "+r"(crc) : "r"(word_at(at)));
    for (; len > 0; at++, len--)
        __asm__("crc32cb %w0, %w0, %w1" : "+r"(crc) : "r"((uint32_t)*at));
    return ~crc;
}

#else

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
    return crc32c_portable(crc, data, len);
}

#endif
