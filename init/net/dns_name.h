#ifndef INIT_NET_DNS_NAME_H
#define INIT_NET_DNS_NAME_H

/*
 * Names as Kubernetes has them: a label of RFC 1123, 2.1 in lower case (a-z, 0-9 and "-", not at
 * the ends, at most 63 bytes), and labels joined by dots (at most 253 bytes). NULL when TEXT is
 * one, else what is wrong with it, to stand behind the name in a sentence: "is longer than 63
 * bytes".
 */
const char *dns_name_label_fault(const char *text);
const char *dns_name_fault(const char *text);

#endif
