#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/redis/client.h"

struct redis_call redis_call_new(int server, int argc, const char *const *argv)
{
    struct redis_call call = {.server = server, .argc = argc, .answer = REDIS_SILENT};
    memcpy(call.argv, argv, (size_t)argc * sizeof(argv[0]));
    return call;
}

void redis_call_free(struct redis_call *call)
{
    free(call->text);
    call->text = NULL;
    call->len = 0;
}

void redis_calls_free(struct redis_call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        redis_call_free(&calls[i]);
}

const char *redis_call_text(const struct redis_call *call)
{
    return call->text != NULL ? call->text : "";
}

bool redis_call_is_error(const struct redis_call *call, const char *word)
{
    return call->answer == REDIS_ERROR && strncmp(redis_call_text(call), word, strlen(word)) == 0;
}

bool redis_call_is_ok(const struct redis_call *call)
{
    return call->answer == REDIS_TEXT && strcmp(redis_call_text(call), "OK") == 0;
}

bool redis_call_is_denied(const struct redis_call *call)
{
    return redis_call_is_error(call, "NOAUTH") || redis_call_is_error(call, "WRONGPASS") ||
           redis_call_is_error(call, "NOPERM");
}

bool redis_call_err(const struct redis_call *call, const char *who, struct err *err)
{
    switch (call->answer) {
    case REDIS_SILENT:
        return err_set(err, ERR_LATER, "'%s' is silent: %s", who, redis_call_text(call));
    case REDIS_NOBODY:
        return err_set(err, ERR_LATER, "no server listens at '%s' yet", who);
    case REDIS_BROKEN:
        return err_set(err, ERR_LATER, "'%s' does not answer as Redis does: %s", who,
                       redis_call_text(call));
    case REDIS_UNTRUSTED:
        return err_set(err, ERR_LATER, "TLS with '%s' fails: %s", who, redis_call_text(call));
    case REDIS_ERROR:
        if (redis_call_is_denied(call))
            return err_set(err, ERR_DENIED,
                           "'%s' refuses us: %s; see --username and --password-file", who,
                           redis_call_text(call));
        return err_set(err, ERR_LATER, "'%s' answers '%s' to %s", who, redis_call_text(call),
                       call->argv[0]);
    case REDIS_TEXT:
    case REDIS_NUMBER:
    case REDIS_OTHER:
        break;
    }
    return err_set(err, ERR_LATER, "'%s' answers '%s' to %s", who, redis_call_text(call),
                   call->argv[0]);
}
