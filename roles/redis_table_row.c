#include "roles/redis_table_row.h"

#include <string.h>

#define ROW_WORDS 8 /* the fixed ones; slots follow */

static const struct {
    const char *word;
    unsigned flag;
} flag_words[] = {
    {"myself",     REDIS_MYSELF    },
    {"master",     REDIS_MASTER    },
    {"primary",    REDIS_MASTER    },
    {"slave",      REDIS_REPLICA   },
    {"replica",    REDIS_REPLICA   },
    {"fail?",      REDIS_PFAIL     },
    {"fail",       REDIS_FAIL      },
    {"handshake",  REDIS_HANDSHAKE },
    {"noaddr",     REDIS_NOADDR    },
    {"nofailover", REDIS_NOFAILOVER},
    {"noflags",    0               },
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

bool redis_table_row_is_plain(struct span line)
{
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.data[i];
        if (c == '"' || c == '\'' || c >= 127 || (c < ' ' && !is_blank((char)c)))
            return false;
    }
    return true;
}

struct span redis_table_row_word(struct span *line)
{
    size_t blanks = 0, len = 0;
    while (blanks < line->len && is_blank(line->data[blanks]))
        blanks++;
    struct span word = text_from(*line, blanks);
    while (len < word.len && !is_blank(word.data[len]))
        len++;
    *line = text_from(word, len);
    word.len = len;
    return word;
}

/* An id as a server takes it: 40 of a-z and 0-9 (verifyClusterNodeId), not only hex digits. */
static bool is_id(struct span word)
{
    if (word.len != REDIS_ID_LEN)
        return false;
    for (size_t i = 0; i < word.len; i++) {
        char c = word.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
            return false;
    }
    return true;
}

static bool parse_port(struct span word, int *port)
{
    uint64_t number;
    if (word.len > 5 || !text_u64(word, &number) || number > 65535)
        return false;
    *port = (int)number;
    return true;
}

/* What a server takes in a name or value (Valkey 8.1 cluster.c isValidAuxChar, for client-ipv6's
 * sake with
 * ':', which Redis 7.2 to 8.0 refuse). */
static bool is_aux_text(struct span word)
{
    static const char refused[] = "!#$%&()*+;<>?@[]^{|}~";
    for (size_t i = 0; i < word.len; i++)
        if (memchr(refused, word.data[i], sizeof(refused) - 1) != NULL)
            return false;
    return true;
}

/* The values of the fields that are known are checked as a server does (7.2 cluster.c
 * auxFieldHandlers, Valkey 8.1 cluster_legacy.c); others pass. */
static bool is_aux_value(struct span name, struct span value)
{
    int port;
    if (text_is(name, "shard-id"))
        return is_id(value);
    if (text_is(name, "tcp-port") || text_is(name, "tls-port"))
        return parse_port(value, &port);
    if (text_is(name, "client-ipv4"))
        return value.len == 0 || text_is_ipv4(value);
    if (text_is(name, "client-ipv6"))
        return value.len == 0 || text_is_ipv6(value);
    return true;
}

/* "tls-port=0,shard-id=..." */
static bool parse_aux(struct span aux, struct redis_node *node)
{
    struct span rest = aux;
    while (rest.data != NULL) {
        struct span field = text_cut(rest, ',', &rest);
        struct span value;
        struct span name = text_cut(field, '=', &value);

        if (value.data == NULL || text_find(value, '=') < value.len)
            return false;
        if (name.len == 0 || !is_aux_text(name) || !is_aux_text(value) ||
            !is_aux_value(name, value))
            return false;
        if (text_is(name, "shard-id"))
            text_copy(value, node->shard_id, sizeof(node->shard_id));
    }
    node->aux = aux;
    return true;
}

/* ip:port[@cport][,hostname[,aux]]: the port stands behind the last colon, for an IPv6 address has
 * no brackets here. */
static bool parse_address(struct span word, struct redis_node *node)
{
    struct span rest, aux, cport;
    struct span address = text_cut(word, ',', &rest);
    size_t colon = text_find_last(address, ':');

    if (colon == address.len)
        return false;
    struct span port = text_cut(text_from(address, colon + 1), '@', &cport);
    if (!parse_port(port, &node->port))
        return false;
    node->cport = node->port + REDIS_BUS_OFFSET;
    if (cport.data != NULL ? !parse_port(cport, &node->cport) : node->cport > 65535)
        return false;
    address.len = colon;
    if (text_find(address, '@') < address.len)
        return false;
    if (!text_copy(address, node->ip, sizeof(node->ip)))
        return false;
    if (rest.data == NULL)
        return true;
    struct span hostname = text_cut(rest, ',', &aux);
    return text_copy(hostname, node->hostname, sizeof(node->hostname)) &&
           (aux.data == NULL || parse_aux(aux, node));
}

static bool parse_flags(struct span word, bool is_file, unsigned *flags)
{
    struct span rest = word;
    *flags = 0;
    while (rest.data != NULL) {
        struct span name = text_cut(rest, ',', &rest);
        unsigned flag = REDIS_FLAG_UNKNOWN;
        for (size_t i = 0; i < sizeof(flag_words) / sizeof(flag_words[0]); i++)
            if (text_is(name, flag_words[i].word))
                flag = flag_words[i].flag;
        /* A server panics at a word that it does not know. */
        if (name.len == 0 || (is_file && flag == REDIS_FLAG_UNKNOWN))
            return false;
        *flags |= flag;
    }
    return (*flags & (REDIS_MASTER | REDIS_REPLICA)) != (REDIS_MASTER | REDIS_REPLICA);
}

/* "[93->-id]" or "[93-<-id]" */
static bool is_open_slot(struct span word)
{
    struct span rest;
    uint64_t slot;
    struct span number = text_cut(text_from(word, 1), '-', &rest);

    if (!text_u64(number, &slot) || slot >= REDIS_SLOTS || rest.data == NULL)
        return false;
    if (!text_starts(rest, ">-") && !text_starts(rest, "<-"))
        return false;
    rest = text_from(rest, 2);
    return rest.len > 0 && rest.data[rest.len - 1] == ']' &&
           is_id((struct span){rest.data, rest.len - 1});
}

bool redis_table_next_slots(struct span *slots, int *first, int *last)
{
    for (struct span word = redis_table_row_word(slots); word.len > 0;
         word = redis_table_row_word(slots)) {
        struct span rest;
        uint64_t start, end;
        if (word.data[0] == '[')
            continue;
        if (!text_u64(text_cut(word, '-', &rest), &start) || start >= REDIS_SLOTS)
            continue;
        end = start;
        if (rest.data != NULL && (!text_u64(rest, &end) || end >= REDIS_SLOTS || end < start))
            continue;
        *first = (int)start;
        *last = (int)end;
        return true;
    }
    return false;
}

static bool parse_slots(struct span words, struct redis_node *node)
{
    struct span rest = words;
    node->slots = (struct span){words.data, 0};
    for (struct span word = redis_table_row_word(&rest); word.len > 0;
         word = redis_table_row_word(&rest)) {
        struct span alone = word;
        int first, last;
        if (word.data[0] == '[') {
            if (!is_open_slot(word))
                return false;
            node->slots_open = true;
        } else if (!redis_table_next_slots(&alone, &first, &last)) {
            return false;
        }
        if (node->slots.len == 0)
            node->slots.data = word.data;
        node->slots.len = (size_t)(word.data + word.len - node->slots.data);
    }
    return true;
}

bool redis_table_row_parse(struct span line, bool is_file, struct redis_node *node)
{
    struct span words[ROW_WORDS];
    memset(node, 0, sizeof(*node));
    for (size_t i = 0; i < ROW_WORDS; i++) {
        words[i] = redis_table_row_word(&line);
        if (words[i].len == 0)
            return false;
    }
    if (!is_id(words[0]) || !parse_address(words[1], node) ||
        !parse_flags(words[2], is_file, &node->flags))
        return false;
    text_copy(words[0], node->id, sizeof(node->id));
    if (!text_is(words[3], "-")) {
        /* A master that follows, a node that follows itself: no server writes that. */
        if (!is_id(words[3]) || (node->flags & REDIS_MASTER) != 0 ||
            memcmp(words[3].data, node->id, REDIS_ID_LEN) == 0)
            return false;
        text_copy(words[3], node->master_id, sizeof(node->master_id));
    }
    if (!text_u64(words[4], &node->ping_sent) || !text_u64(words[5], &node->pong_recv) ||
        !text_u64(words[6], &node->epoch))
        return false;
    node->link_connected = text_is(words[7], "connected");
    if (!node->link_connected && !text_is(words[7], "disconnected"))
        return false;
    return parse_slots(line, node);
}
