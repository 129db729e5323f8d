#ifndef TESTS_UNIT_MADE_WAL_H
#define TESTS_UNIT_MADE_WAL_H

#include <stdint.h>

#include "roles/wal.h"

/* WAL in the making: small pages and segments, so that every border is near. Real servers' WAL:
 * tests/integration/test_pg_wal.py. */
#define PAGE 256
#define SEGMENT (4 * PAGE)
#define SEGMENTS 8
#define FIRST_LSN ((uint64_t)16 * SEGMENT)
#define SYSTEM UINT64_C(7711415453044235425)
#define START (FIRST_LSN + 40)

extern unsigned char wal[SEGMENTS * SEGMENT];
extern uint64_t at;        /* where the next record begins */
extern uint64_t last;      /* where the last one does */
extern uint32_t timeline;  /* of the next page */
extern uint64_t pages_end; /* pages from here on are missing */
extern const struct wal_source source;

unsigned char *byte(uint64_t lsn);
void put(uint64_t lsn, uint64_t number, size_t len);

/* Nothing yet but the first page's header. */
void begin_wal(void);
/* A page's header at `at`, with the bytes of a record that began before. */
void begin_page(uint16_t flags, uint32_t remaining);
/* A record of TOTAL bytes; returns where it begins. */
uint64_t put_record(uint8_t manager, uint8_t info, uint32_t total);

/* wal_find_end over it; `find` over all of it. */
bool find_past(uint64_t start, uint64_t past, struct wal_end *end);
bool find(uint64_t start, struct wal_end *end);

#endif
