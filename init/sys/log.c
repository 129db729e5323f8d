#include "init/sys/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "init/sys/clock.h"
#include "init/sys/utf8.h"

#define MESSAGE_MAX 2048
#define WAIT_TOLD_EVERY_NS (10 * CLOCK_S)

static struct {
    bool json;
    enum log_level lowest;
    char pod[254];
    char last[1024];
    char wait[512]; /* the sentence of the wait under way, "" : none */
    int64_t wait_since_ns, wait_told_ns;
    int terminal; /* 0: not asked yet, 1: yes, -1: no */
    bool status_shown;
} state = {.lowest = LOG_LEVEL_INFO};

/* One line in the making; its size allows for every byte of a message to be escaped. */
struct line {
    size_t len;
    char data[MESSAGE_MAX * 6 + 512];
};

static void add(struct line *line, const char *data, size_t len)
{
    size_t room = sizeof line->data - line->len;
    size_t taken = len < room ? len : room;
    memcpy(line->data + line->len, data, taken);
    line->len += taken;
}

static void add_text(struct line *line, const char *text)
{
    add(line, text, strlen(text));
}

/* C0 controls, DEL and C1 controls (in UTF-8: C2 80 to C2 9F) steer terminals. */
static bool is_control(const char *at, size_t length)
{
    unsigned char c = (unsigned char)at[0];
    return (length == 1 && (c < 0x20 || c == 0x7F)) ||
           (length == 2 && c == 0xC2 && (unsigned char)at[1] < 0xA0);
}

static void add_json_string(struct line *line, const char *text)
{
    add_text(line, "\"");
    while (*text != '\0') {
        size_t length = utf8_length(text, UTF8_MAX);
        char escape[8];
        if (length == 0) {
            add_text(line, "\\ufffd");
            length = 1;
        } else if (*text == '"' || *text == '\\') {
            add(line, "\\", 1);
            add(line, text, 1);
        } else if (is_control(text, length)) {
            unsigned char last = (unsigned char)text[length - 1];
            (void)snprintf(escape, sizeof escape, "\\u%04x", last);
            add_text(line, escape);
        } else {
            add(line, text, length);
        }
        text += length;
    }
    add_text(line, "\"");
}

static void add_plain(struct line *line, const char *text)
{
    while (*text != '\0') {
        size_t length = utf8_length(text, UTF8_MAX);
        if (length != 0 && !is_control(text, length)) {
            add(line, text, length);
            text += length;
            continue;
        }
        for (length = length == 0 ? 1 : length; length > 0; length--, text++) {
            char escape[8];
            (void)snprintf(escape, sizeof escape, "\\x%02X", (unsigned char)*text);
            add_text(line, escape);
        }
    }
}

static void add_time(struct line *line)
{
    int64_t wall_ms = clock_wall_ms();
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    char text[64];
    (void)gmtime_r(&seconds, &utc);
    size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(text + length, sizeof text - length, ".%03dZ", (int)(wall_ms % 1000));
    add_text(line, text);
}

static void send_line(const struct line *line)
{
    const char *at = line->data;
    size_t left = line->len;
    while (left > 0) {
        ssize_t sent = write(STDERR_FILENO, at, left);
        if (sent < 0 && errno != EINTR)
            return; /* nobody to tell it to */
        if (sent > 0) {
            at += sent;
            left -= (size_t)sent;
        }
    }
}

/* PREFIX stands before the message in text, LEVEL is what JSON calls it. */
static void tell(const char *prefix, const char *level, const char *message)
{
    struct line line;
    line.len = 0;
    if (state.json) {
        add_text(&line, "{\"ts\":\"");
        add_time(&line);
        add_text(&line, "\",\"level\":\"");
        add_text(&line, level);
        add_text(&line, "\",\"msg\":");
        add_json_string(&line, message);
        if (state.pod[0] != '\0') {
            add_text(&line, ",\"pod\":");
            add_json_string(&line, state.pod);
        }
        add_text(&line, "}");
    } else {
        if (state.status_shown) {
            add_text(&line, "\r\033[K");
            state.status_shown = false;
        }
        add_text(&line, prefix);
        add_text(&line, ": ");
        add_plain(&line, message);
    }
    add_text(&line, "\n");
    send_line(&line);
}

__attribute__((format(printf, 2, 0))) static void log_at(enum log_level level, const char *format,
                                                         va_list arguments)
{
    static const struct {
        const char *prefix, *level;
    } names[] = {
        {"debug",   "debug"},
        {"info",    "info" },
        {"warning", "warn" },
        {"error",   "error"}
    };
    int number = errno;
    if (level >= LOG_LEVEL_INFO || level >= state.lowest) {
        char message[MESSAGE_MAX];
        if (vsnprintf(message, sizeof message, format, arguments) < 0)
            (void)snprintf(message, sizeof message, "%s", format);
        if (level >= LOG_LEVEL_INFO)
            (void)snprintf(state.last, sizeof state.last, "%.1000s", message);
        if (level >= state.lowest)
            tell(names[level].prefix, names[level].level, message);
    }
    errno = number;
}

void log_open(bool json, enum log_level lowest, const char *pod)
{
    state.json = json;
    state.lowest = lowest;
    state.terminal = 0;
    (void)snprintf(state.pod, sizeof state.pod, "%s", pod != NULL ? pod : "");
}

void log_debug(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_at(LOG_LEVEL_DEBUG, format, arguments);
    va_end(arguments);
}

void log_info(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_at(LOG_LEVEL_INFO, format, arguments);
    va_end(arguments);
}

void log_warn(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_at(LOG_LEVEL_WARN, format, arguments);
    va_end(arguments);
}

void log_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_at(LOG_LEVEL_ERROR, format, arguments);
    va_end(arguments);
}

void log_failure(const char *message)
{
    log_status_line("");
    tell("ordain", "error", message);
}

const char *log_last(void)
{
    return state.last;
}

bool log_on_terminal(void)
{
    if (state.terminal == 0) {
        int number = errno;
        state.terminal = isatty(STDERR_FILENO) ? 1 : -1;
        errno = number;
    }
    return state.terminal > 0 && !state.json && state.lowest <= LOG_LEVEL_INFO;
}

void log_status_line(const char *text)
{
    if (!log_on_terminal() || (text[0] == '\0' && !state.status_shown))
        return;
    int number = errno;
    struct winsize window;
    size_t columns = 79;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1)
        columns = window.ws_col - 1U;
    struct line line;
    line.len = 0;
    add_text(&line, "\r\033[K");
    size_t start = line.len;
    add_plain(&line, text);
    if (line.len - start > columns) {
        line.len = start + columns; /* a wrapped line could not be taken back */
        while (((unsigned char)line.data[line.len] & 0xC0) == 0x80)
            line.len--;
    }
    state.status_shown = text[0] != '\0';
    send_line(&line);
    errno = number;
}

void log_wait(const char *format, ...)
{
    char sentence[sizeof state.wait];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);

    int64_t now = clock_now_ns();
    if (state.wait[0] == '\0')
        state.wait_since_ns = now;
    bool changed = strcmp(sentence, state.wait) != 0;
    int waited_s = (int)((now - state.wait_since_ns) / CLOCK_S);
    if (log_on_terminal()) {
        char text[sizeof sentence + 64];
        (void)snprintf(text, sizeof text, "waiting for %s (%d s)", sentence, waited_s);
        log_status_line(text);
    } else if (changed) {
        log_info("waiting for %s", sentence);
    } else if (now - state.wait_told_ns >= WAIT_TOLD_EVERY_NS) {
        log_info("still waiting for %s (%d s)", sentence, waited_s);
    } else {
        return;
    }
    state.wait_told_ns = now;
    memcpy(state.wait, sentence, sizeof sentence);
}

void log_wait_end(void)
{
    if (state.wait[0] != '\0') {
        log_status_line("");
        state.wait[0] = '\0';
    }
}
