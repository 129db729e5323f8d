#ifndef ROLES_BYTES_H
#define ROLES_BYTES_H

#include <stdint.h>

/* Little-endian numbers in somebody's bytes, wherever they stand: what the machines that ordain is
 * built for write to disk. */

static inline uint16_t bytes_u16(const unsigned char *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t bytes_u32(const unsigned char *at)
{
    return (uint32_t)bytes_u16(at) | (uint32_t)bytes_u16(at + 2) << 16;
}

static inline uint64_t bytes_u64(const unsigned char *at)
{
    return (uint64_t)bytes_u32(at) | (uint64_t)bytes_u32(at + 4) << 32;
}

#endif
