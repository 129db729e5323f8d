#include "roles/postmaster_opts.h"

#include "roles/text.h"

enum postmaster_opts_answer postmaster_opts_is_initdb_server(const char *text, size_t len)
{
    enum postmaster_opts_answer answer = POSTMASTER_OPTS_NO;
    struct span behind;
    struct span rest = text_cut((struct span){text, len}, '\n', &behind);
    if (rest.len == 0 || behind.data == NULL)
        return POSTMASTER_OPTS_UNKNOWN;
    /* Between two quotes stands an argument or the blank between two; nothing is escaped. */
    while (rest.data != NULL) {
        struct span part = text_cut(rest, '"', &rest);
        if (text_is(part, "listen_addresses="))
            answer = POSTMASTER_OPTS_YES;
        else if (text_starts(part, "listen_addresses="))
            answer = POSTMASTER_OPTS_NO;
    }
    return answer;
}
