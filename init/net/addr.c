#include "init/net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define V6_LEN 16

/* The address in network byte order, IPv4 as its IPv4-mapped IPv6 form (RFC 4291, 2.5.5.2). */
static bool to_bytes(const struct addr *addr, unsigned char bytes[static V6_LEN])
{
    if (addr->family == ADDR_IPV6)
        return inet_pton(AF_INET6, addr->text, bytes) == 1;
    memset(bytes, 0, V6_LEN);
    bytes[10] = bytes[11] = 0xff;
    return addr->family == ADDR_IPV4 && inet_pton(AF_INET, addr->text, bytes + 12) == 1;
}

bool addr_from_bytes(struct addr *addr, enum addr_family family, const void *bytes)
{
    struct in6_addr v6;
    struct addr made = {.family = family};
    if (family == ADDR_IPV6) {
        memcpy(&v6, bytes, sizeof v6);
        if (IN6_IS_ADDR_V4MAPPED(&v6))
            return addr_from_bytes(addr, ADDR_IPV4, (const unsigned char *)bytes + 12);
    }
    if (family == ADDR_NONE || inet_ntop(family == ADDR_IPV4 ? AF_INET : AF_INET6, bytes, made.text,
                                         sizeof made.text) == NULL)
        return false;
    *addr = made;
    return true;
}

bool addr_parse(struct addr *addr, const char *text)
{
    unsigned char bytes[V6_LEN];
    if (inet_pton(AF_INET, text, bytes) == 1)
        return addr_from_bytes(addr, ADDR_IPV4, bytes);
    return inet_pton(AF_INET6, text, bytes) == 1 && addr_from_bytes(addr, ADDR_IPV6, bytes);
}

int addr_compare(const struct addr *a, const struct addr *b)
{
    unsigned char bytes_a[V6_LEN];
    unsigned char bytes_b[V6_LEN];
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    if (!to_bytes(a, bytes_a) || !to_bytes(b, bytes_b))
        return strcmp(a->text, b->text);
    return memcmp(bytes_a, bytes_b, V6_LEN);
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && strcmp(a->text, b->text) == 0;
}

static bool v4_is_usable(const unsigned char *b)
{
    bool this_network = b[0] == 0;                /* RFC 1122, 3.2.1.3; 0.0.0.0 included */
    bool loopback = b[0] == 127;                  /* RFC 1122, 3.2.1.3 */
    bool link_local = b[0] == 169 && b[1] == 254; /* RFC 3927 */
    bool multicast = b[0] >= 224 && b[0] <= 239;  /* RFC 1112 */
    bool broadcast = b[0] == 255 && b[1] == 255 && b[2] == 255 && b[3] == 255;
    return !(this_network || loopback || link_local || multicast || broadcast);
}

bool addr_is_usable(const struct addr *addr)
{
    unsigned char bytes[V6_LEN];
    if (!to_bytes(addr, bytes))
        return false;
    if (addr->family == ADDR_IPV4)
        return v4_is_usable(bytes + 12);
    struct in6_addr v6;
    memcpy(&v6, bytes, sizeof v6);
    return !(IN6_IS_ADDR_UNSPECIFIED(&v6) || IN6_IS_ADDR_LOOPBACK(&v6) ||
             IN6_IS_ADDR_LINKLOCAL(&v6) || IN6_IS_ADDR_MULTICAST(&v6));
}
