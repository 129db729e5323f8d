/* A clone as `init postgres` makes it, without its decision: pg_clone_driver KEY=VALUE... Prints what was cloned, or
 * ends with the status and sentence of the failure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "init/postgres/clone.h"
#include "init/sys/clock.h"

static char **words;

static const char *word(const char *key, const char *otherwise)
{
    size_t len = strlen(key);
    for (char **at = words; *at != NULL; at++)
        if (strncmp(*at, key, len) == 0 && (*at)[len] == '=')
            return *at + len + 1;
    return otherwise;
}

static enum clone_compression compression(void)
{
    static const char *const names[] = {"auto", "none", "lz4", "zstd"};
    for (int i = 0; i < 4; i++)
        if (strcmp(word("compression", "none"), names[i]) == 0)
            return (enum clone_compression)i;
    abort();
}

static int tell(const struct err *err)
{
    fprintf(stderr, "%s\n", err->message);
    return (int)err->kind;
}

static void show(const struct clone_result *result)
{
    static const char *const packed[] = {"none", "lz4", "zstd"};
    printf("staging=%s\nsystem_identifier=%llu\ntimeline=%u\nstart=%llu\nend=%llu\nversion=%d\ncompression=%s\n"
           "files=%llu\nbytes=%llu\nreceived=%llu\n",
           result->staging, (unsigned long long)result->system_identifier, result->timeline,
           (unsigned long long)result->start_lsn, (unsigned long long)result->end_lsn,
           result->server_version, packed[result->compression], (unsigned long long)result->files,
           (unsigned long long)result->bytes, (unsigned long long)result->received_bytes);
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    printf("peak_kb=%ld\n", usage.ru_maxrss);
    printf("prepare_ms=%lld\ncheckpoint_ms=%lld\nstream_ms=%lld\nsync_ms=%lld\n",
           (long long)(result->prepare_ns / CLOCK_MS), (long long)(result->checkpoint_ns / CLOCK_MS),
           (long long)(result->stream_ns / CLOCK_MS), (long long)(result->sync_ns / CLOCK_MS));
}

int main(int argc, char **argv)
{
    (void)argc;
    words = argv + 1;
    struct clone_request request = {
        .pgdata = word("pgdata", ""),
        .upstream = {.host = word("host", ""),
                     .port = atoi(word("port", "5432")),
                     .user = word("user", "postgres"),
                     .password = word("password", ""),
                     .replication = true,
                     .sslmode = word("sslmode", "disable"),
                     .ssl_ca = word("ca", ""),
                     .application_name = "clone"},
        .upstream_name = word("addr", ""),
        .slot = word("slot", "ordain_1"),
        .system_identifier = strtoull(word("identifier", "0"), NULL, 10),
        .least_timeline = (uint32_t)strtoul(word("timeline", "0"), NULL, 10),
        .major = atoi(word("major", "0")),
        .compression = compression(),
        .max_rate_kb = atoi(word("rate", "0")),
        .tablespace_mapping = word("mapping", ""),
        .silence_ms = atoi(word("silence", "20000")),
    };
    struct clone_result result;
    struct err err;
    if (!addr_parse(&request.upstream.addr, word("addr", "")))
        return 64;
    if (strcmp(word("fetch", "yes"), "yes") == 0) {
        if (!clone_fetch(&request, &result, &err))
            return tell(&err);
        show(&result);
    }
    if (strcmp(word("install", "yes"), "yes") == 0 && !clone_install(request.pgdata, &err))
        return tell(&err);
    return 0;
}
