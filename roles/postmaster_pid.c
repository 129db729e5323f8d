#include "roles/postmaster_pid.h"

enum {
    LINE_PID,
    LINE_DATA_DIR,
    LINE_START,
    LINE_PORT,
    LINE_SOCKET,
    LINE_LISTEN,
    LINE_SHM,
    LINE_STATUS,
    LINES
};

static struct span trim(struct span span)
{
    while (span.len > 0 && *span.data == ' ')
        span = text_from(span, 1);
    while (span.len > 0 && span.data[span.len - 1] == ' ')
        span.len--;
    return span;
}

/* The status is padded with blanks to eight letters. */
static enum postmaster_status status_of(struct span line)
{
    static const char *const names[] = {
        [POSTMASTER_STARTING] = "starting",
        [POSTMASTER_STOPPING] = "stopping",
        [POSTMASTER_READY] = "ready",
        [POSTMASTER_STANDBY] = "standby",
    };
    for (size_t i = POSTMASTER_STARTING; i <= POSTMASTER_STANDBY; i++)
        if (text_is(trim(line), names[i]))
            return (enum postmaster_status)i;
    return POSTMASTER_STATUS_UNKNOWN;
}

static bool parse_pid(struct postmaster_pid *file, struct span line)
{
    int64_t pid;
    if (!text_i64(line, &pid) || pid == 0 || pid > INT32_MAX || pid < -INT32_MAX)
        return false;
    file->standalone = pid < 0;
    file->pid = (int32_t)(pid < 0 ? -pid : pid);
    return true;
}

/* "%9lu %9lu" */
static void parse_shared_memory(struct postmaster_pid *file, struct span line)
{
    struct span rest;
    uint64_t key, id;
    struct span first = text_cut(trim(line), ' ', &rest);
    if (!text_u64(first, &key) || !text_u64(trim(rest), &id))
        return;
    file->shared_memory_key = key;
    file->shared_memory_id = id;
}

bool postmaster_pid_parse(struct postmaster_pid *file, const char *text, size_t len)
{
    struct span lines[LINES] = {
        {NULL, 0}
    };
    struct span rest = {text, len};
    for (size_t i = 0; i < LINES; i++) {
        struct span line = text_cut(rest, '\n', &rest);
        if (rest.data == NULL)
            break;
        lines[i] = line;
    }
    uint64_t port;
    int64_t start;
    *file = (struct postmaster_pid){
        .data_dir = lines[LINE_DATA_DIR],
        .socket_dir = lines[LINE_SOCKET],
        .listen_address = lines[LINE_LISTEN],
        .status = status_of(lines[LINE_STATUS]),
    };
    if (text_i64(lines[LINE_START], &start))
        file->start_time = start;
    if (text_u64(lines[LINE_PORT], &port) && port <= UINT16_MAX)
        file->port = (uint16_t)port;
    parse_shared_memory(file, lines[LINE_SHM]);
    return parse_pid(file, lines[LINE_PID]);
}
