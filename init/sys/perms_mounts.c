#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init/sys/perms_internal.h"

#define MOUNTINFO_MAX ((size_t)4 << 20)

/* proc_pid_mountinfo(5): "36 35 98:0 /part /mount/point rw,... - ext4 /dev/x rw". */
struct line {
    uint64_t mount;
    char device[24];
    char root[4096], point[4096]; /* unescaped */
};

/* A field up to a blank, its octal escapes (\040) undone; what does not fit is cut. */
static const char *take_field(const char *at, char *out, size_t size)
{
    size_t length = 0;
    while (*at != ' ' && *at != '\n' && *at != '\0') {
        char c = *at;
        if (c == '\\' && isdigit((unsigned char)at[1]) && isdigit((unsigned char)at[2]) &&
            isdigit((unsigned char)at[3])) {
            c = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
            at += 3;
        }
        if (length + 1 < size)
            out[length++] = c;
        at++;
    }
    out[length] = '\0';
    return *at == ' ' ? at + 1 : at;
}

static const char *take_line(const char *at, struct line *line)
{
    char number[24];
    at = take_field(at, number, sizeof number);
    line->mount = strtoull(number, NULL, 10);
    at = take_field(at, number, sizeof number);
    at = take_field(at, line->device, sizeof line->device);
    at = take_field(at, line->root, sizeof line->root);
    at = take_field(at, line->point, sizeof line->point);
    at += strcspn(at, "\n");
    return *at == '\n' ? at + 1 : at;
}

/* PATH is DIRECTORY or lies below it. */
static bool is_within(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    if (length > 0 && directory[length - 1] == '/')
        length--;
    return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* The line of the mount itself: by its number, else the last of the longest that PATH lies in. */
static bool find_own(const char *mountinfo, uint64_t mount, const char *path, struct line *line,
                     struct line *own)
{
    size_t longest = 0;
    for (const char *at = mountinfo; *at != '\0';) {
        at = take_line(at, line);
        size_t length = strlen(line->point);
        bool taken =
            mount != 0 ? line->mount == mount : is_within(path, line->point) && length >= longest;
        if (taken) {
            longest = length;
            *own = *line;
        }
    }
    return longest > 0;
}

bool perms_mounts_parse(const char *mountinfo, uint64_t mount, const char *path,
                        struct perms_mounts *mounts)
{
    struct line *lines = calloc(2, sizeof *lines);
    *mounts = (struct perms_mounts){0};
    bool found = lines != NULL && find_own(mountinfo, mount, path, &lines[0], &lines[1]);
    if (found) {
        struct line *line = &lines[0];
        const struct line *own = &lines[1];
        mounts->part = strcmp(own->root, "/") != 0;
        for (const char *at = mountinfo; *at != '\0';) {
            at = take_line(at, line);
            bool below = is_within(line->point, path) && strcmp(line->point, path) != 0;
            mounts->below = mounts->below || below;
            if (line->mount == own->mount || strcmp(line->device, own->device) != 0)
                continue;
            if (below) {
                mounts->same_below = true;
            } else if (!mounts->shared) {
                mounts->shared = true;
                perms_escape(mounts->other, sizeof mounts->other, line->point);
            }
        }
    }
    free(lines);
    return found;
}

static char *read_mountinfo(void)
{
    int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    char *text = NULL;
    size_t length = 0;
    size_t size = 0;
    ssize_t got = fd >= 0 ? 1 : -1;
    while (got > 0) {
        if (size - length < 4096) {
            size_t larger = size == 0 ? 16384 : size * 2;
            char *moved = larger <= MOUNTINFO_MAX ? realloc(text, larger) : NULL;
            if (moved == NULL) {
                got = -1;
                break;
            }
            text = moved;
            size = larger;
        }
        do {
            got = read(fd, text + length, size - length - 1);
        } while (got < 0 && errno == EINTR);
        length += got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0)
        (void)close(fd);
    if (got < 0) {
        free(text);
        return NULL;
    }
    text[length] = '\0';
    return text;
}

void perms_mounts_observe(uint64_t mount, const char *path, struct perms_mounts *mounts)
{
    char *text = read_mountinfo();
    if (text == NULL || !perms_mounts_parse(text, mount, path, mounts)) {
        *mounts = (struct perms_mounts){.shared = true, .same_below = true, .below = true};
        (void)snprintf(mounts->other, sizeof mounts->other, "a mount that /proc does not show");
    }
    free(text);
}
