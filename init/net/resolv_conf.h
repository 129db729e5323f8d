#ifndef INIT_NET_RESOLV_CONF_H
#define INIT_NET_RESOLV_CONF_H

#include <stddef.h>

#define RESOLV_CONF_NAME_MAX 254

/*
 * What the kubelet's resolv.conf tells of the cluster, from the LEN bytes at TEXT (resolv.conf(5):
 * the last "search" or "domain" line counts; the kubelet writes "<ns>.svc.<domain> svc.<domain>
 * <domain>" before the node's own entries). The first entry "<ns>.svc.<domain>" gives both; where
 * there is none, the first "svc.<domain>" gives the domain alone. In lower case, without dots at
 * the ends; "" where it is not told. Lines, entries and their number have no limit; whatever is
 * strange is passed over.
 */
void resolv_conf_search(const char *text, size_t len,
                        char namespace_name[static RESOLV_CONF_NAME_MAX],
                        char domain[static RESOLV_CONF_NAME_MAX]);

#endif
