#include "init/postgres/link_reason.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* First match wins. TLS last: "SSL" stands in texts about the others too. */
static const struct {
    const char *part;
    int number; /* instead of PART: the system's text of this errno */
    enum pg_answer answer;
} meanings[] = {
    {"certificate file",                    0,            PG_UNTRUSTED},
    {"private key file",                    0,            PG_UNTRUSTED},
    {NULL,                                  ECONNREFUSED, PG_NOBODY   },
    {NULL,                                  ENOENT,       PG_NOBODY   }, /* no local socket */
    {NULL,                                  ETIMEDOUT,    PG_SILENT   },
    {NULL,                                  EHOSTUNREACH, PG_SILENT   },
    {NULL,                                  ENETUNREACH,  PG_SILENT   },
    {NULL,                                  EHOSTDOWN,    PG_SILENT   },
    {"authentication method requirement",   0,            PG_DENIED   },
    {"no password supplied",                0,            PG_DENIED   },
    {"channel binding",                     0,            PG_DENIED   },
    {"incorrect server signature",          0,            PG_DENIED   },
    {"invalid response to SSL negotiation", 0,            PG_BROKEN   },
    {"SSL SYSCALL error",                   0,            PG_BROKEN   },
    {"unexpected eof",                      0,            PG_BROKEN   },
    {"wrong version number",                0,            PG_BROKEN   },
    {"certificate",                         0,            PG_UNTRUSTED},
    {"private key",                         0,            PG_UNTRUSTED},
    {"SSL",                                 0,            PG_UNTRUSTED},
};

static bool starts_with(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

enum pg_answer pg_reason_of_sqlstate(const char *sqlstate)
{
    if (starts_with(sqlstate, "57P0") && strchr("123", sqlstate[4]) != NULL)
        return PG_STARTING; /* admin_shutdown, crash_shutdown, cannot_connect_now */
    if (starts_with(sqlstate, "28") || strcmp(sqlstate, "42501") == 0)
        return PG_DENIED;
    return strcmp(sqlstate, "53300") == 0 ? PG_FULL : PG_ERROR;
}

void pg_first_line(char *out, size_t size, const char *text)
{
    size_t len = strcspn(text, "\r\n");
    if (len > size - 1)
        len = size - 1;
    memcpy(out, text, len);
    out[len] = '\0';
    for (char *at = out; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c < ' ' || c == 0x7f)
            *at = '?';
    }
}

/* "SEVERITY:  SQLSTATE: " (protocol 3 errors as pqBuildErrorMessage3 of libpq 17 writes them). */
static const char *skip_sqlstate(const char *line, char sqlstate[static 6])
{
    const char *at = strstr(line, ":  ");
    if (at == NULL)
        return line;
    at += 3;
    if (strspn(at, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5 || !starts_with(at + 5, ": "))
        return line;
    memcpy(sqlstate, at, 5);
    sqlstate[5] = '\0';
    return at + 7;
}

static enum pg_answer meaning(const char *line)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        const char *part =
            meanings[i].part != NULL ? meanings[i].part : strerror(meanings[i].number);
        if (strstr(line, part) != NULL)
            return meanings[i].answer;
    }
    return PG_BROKEN;
}

struct pg_reason pg_reason_parse(const char *text)
{
    struct pg_reason reason = {.answer = PG_BROKEN};
    char line[1024];
    pg_first_line(line, sizeof(line), text);
    const char *at = line;
    const char *place = strstr(line, " failed: ");
    if (starts_with(line, "connection to server ") && place != NULL)
        at = place + strlen(" failed: ");
    at = skip_sqlstate(at, reason.sqlstate);
    reason.answer = *reason.sqlstate != '\0' ? pg_reason_of_sqlstate(reason.sqlstate) : meaning(at);
    if (*at == '\0')
        at = "cut off";
    pg_first_line(reason.message, sizeof(reason.message), at);
    return reason;
}
