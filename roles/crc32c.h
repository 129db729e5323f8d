#ifndef ROLES_CRC32C_H
#define ROLES_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * CRC-32C (Castagnoli; RFC 3720 12.1): what pg_control, WAL records and the backup manifest carry.
 * CRC is 0 for the first bytes and the last call's answer for those that follow:
 * crc32c(crc32c(0, a), b) is the CRC of a followed by b. Any thread may call it.
 *
 * Uses the processor's instruction where it has one (x86-64: asked at run time; aarch64: where the
 * compiler may assume it), tables elsewhere. DATA may be NULL when LEN is 0.
 */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

/* The same by tables alone, whatever the processor has. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len);

#endif
