#ifndef INIT_NET_ADDR_H
#define INIT_NET_ADDR_H

#include <stdbool.h>

#define ADDR_TEXT_MAX 46

enum addr_family { ADDR_NONE, ADDR_IPV4, ADDR_IPV6 };

/* A literal IP address in its canonical text (inet_ntop). IPv4-mapped IPv6 becomes IPv4. */
struct addr {
    enum addr_family family;
    char text[ADDR_TEXT_MAX];
};

/* False when TEXT is no literal address; zone ids are refused. */
bool addr_parse(struct addr *addr, const char *text);
/* From the 4 or 16 bytes of an address in network byte order. False for ADDR_NONE. */
bool addr_from_bytes(struct addr *addr, enum addr_family family, const void *bytes);
bool addr_equal(const struct addr *a, const struct addr *b);
/* The order in which addresses are told: IPv4 before IPv6, then by number. <0, 0, >0. */
int addr_compare(const struct addr *a, const struct addr *b);
/* An address that a pod can have: not unspecified, loopback, multicast or broadcast. Link-local is
 * refused too: peers cannot share it without a zone id. */
bool addr_is_usable(const struct addr *addr);

#endif
