#include "init/net/resolv_conf.h"

#include <stdbool.h>
#include <string.h>

#include "roles/text.h"

#define LABEL_MAX 63

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* Takes the next word off REST; false when there is none. */
static bool next_word(struct span *rest, struct span *word)
{
    while (rest->len > 0 && is_blank(*rest->data)) {
        rest->data++;
        rest->len--;
    }
    word->data = rest->data;
    while (rest->len > 0 && !is_blank(*rest->data)) {
        rest->data++;
        rest->len--;
    }
    word->len = (size_t)(rest->data - word->data);
    return word->len > 0;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Copies NAME in lower case; false when it is no sequence of host name labels (RFC 1123, 2.1). */
static bool copy_name(struct span name, char copy[static RESOLV_CONF_NAME_MAX])
{
    if (name.len == 0 || name.len >= RESOLV_CONF_NAME_MAX)
        return false;
    size_t label = 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = lower(name.data[i]);
        bool inner = c == '-' && label > 0 && i + 1 < name.len && name.data[i + 1] != '.';
        if (c == '.' ? label == 0 || i + 1 == name.len
                     : !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || inner))
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > LABEL_MAX)
            return false;
        copy[i] = c;
    }
    copy[name.len] = '\0';
    return true;
}

/* What follows the label "svc" at the start of ENTRY; an empty span when there is no such label. */
static struct span after_svc(struct span entry)
{
    if (entry.len > 4 && lower(entry.data[0]) == 's' && lower(entry.data[1]) == 'v' &&
        lower(entry.data[2]) == 'c' && entry.data[3] == '.')
        return (struct span){entry.data + 4, entry.len - 4};
    return (struct span){entry.data, 0};
}

/* Reads one search entry; true when it gave namespace and domain, so that no later one counts. */
static bool read_entry(struct span entry, char *namespace_name, char *domain)
{
    while (entry.len > 0 && entry.data[entry.len - 1] == '.')
        entry.len--;
    const char *dot = entry.len > 0 ? memchr(entry.data, '.', entry.len) : NULL;
    if (dot == NULL)
        return false;
    struct span first = {entry.data, (size_t)(dot - entry.data)};
    struct span rest = {dot + 1, entry.len - first.len - 1};
    char name[RESOLV_CONF_NAME_MAX] = "";
    char found[RESOLV_CONF_NAME_MAX] = "";
    if (copy_name(first, name) && copy_name(after_svc(rest), found)) {
        memcpy(namespace_name, name, sizeof name);
        memcpy(domain, found, sizeof found);
        return true;
    }
    if (domain[0] == '\0' && copy_name(after_svc(entry), found))
        memcpy(domain, found, sizeof found);
    return false;
}

void resolv_conf_search(const char *text, size_t len,
                        char namespace_name[static RESOLV_CONF_NAME_MAX],
                        char domain[static RESOLV_CONF_NAME_MAX])
{
    struct span search = {text, 0};
    size_t at = 0;
    while (at < len) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end != NULL ? (size_t)(end - (text + at)) : len - at;
        struct span rest = {text + at, line_len};
        struct span keyword;
        if (next_word(&rest, &keyword) &&
            (text_is(keyword, "search") || text_is(keyword, "domain")))
            search = rest;
        at += line_len + 1;
    }
    namespace_name[0] = '\0';
    domain[0] = '\0';
    struct span entry;
    while (next_word(&search, &entry) && !read_entry(entry, namespace_name, domain)) {
    }
}
