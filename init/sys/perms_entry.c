#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/sys/perms_internal.h"

/* ---- paths for people */

static void escape_byte(char out[static 5], char byte)
{
    unsigned char c = (unsigned char)byte;
    if (c == '\\')
        (void)snprintf(out, 5, "\\\\");
    else if (c >= 0x20 && c < 0x7f)
        (void)snprintf(out, 5, "%c", c);
    else
        (void)snprintf(out, 5, "\\x%02x", c);
}

/* Text written from its end to its front. */
struct backwards {
    char *start;
    char *at;
    bool cut;
};

static void prepend(struct backwards *text, const char *name)
{
    for (size_t i = strlen(name); i > 0 && !text->cut; i--) {
        char escaped[5];
        escape_byte(escaped, name[i - 1]);
        size_t length = strlen(escaped);
        if ((size_t)(text->at - text->start) < length + 3) {
            text->cut = true;
            return;
        }
        text->at -= length;
        memcpy(text->at, escaped, length);
    }
}

static struct backwards backwards_start(char *out, size_t size)
{
    out[size - 1] = '\0';
    return (struct backwards){.start = out, .at = out + size - 1};
}

static void backwards_end(struct backwards *text)
{
    if (text->cut) {
        text->at -= 3;
        memcpy(text->at, "...", 3);
    }
    memmove(text->start, text->at, strlen(text->at) + 1);
}

void perms_escape(char *out, size_t size, const char *name)
{
    struct backwards text = backwards_start(out, size);
    prepend(&text, name);
    backwards_end(&text);
}

void perms_path(char *out, size_t size, const struct perms_frame *frame, const char *name)
{
    struct backwards text = backwards_start(out, size);
    if (name != NULL) {
        prepend(&text, name);
        prepend(&text, "/");
    }
    for (; frame != NULL && !text.cut; frame = frame->parent) {
        prepend(&text, frame->name);
        if (frame->parent != NULL)
            prepend(&text, "/");
    }
    backwards_end(&text);
}

/* ---- what is right */

bool perms_is_right(const struct perms_job *job, const struct perms_entry *entry)
{
    const struct perms_policy *policy = job->policy;
    if (entry->uid == policy->uid && entry->gid == policy->gid)
        return true;
    unsigned wanted = S_ISDIR(entry->mode) ? S_IRWXG : S_IRGRP | S_IWGRP;
    return policy->group_is_enough && entry->gid == policy->gid &&
           (S_ISLNK(entry->mode) || (entry->mode & wanted) == wanted);
}

bool perms_is_foreign(const struct perms_job *job, const struct perms_entry *entry)
{
    if (job->policy->cross_mounts)
        return false;
    /* one mount shows several devices where it is a btrfs with subvolumes or an overlay */
    return job->root.mount != 0 ? entry->mount != job->root.mount : entry->dev != job->root.dev;
}

void perms_note_wrong(struct perms_report *report, const struct perms_frame *frame,
                      const char *name)
{
    report->wrong++;
    if (report->first_wrong[0] == '\0')
        perms_path(report->first_wrong, sizeof report->first_wrong, frame, name);
}

/* ---- one entry */

static bool is_gone(int number)
{
    return number == ENOENT || number == ESTALE;
}

static bool fail(const struct perms_job *job, const struct perms_frame *frame, const char *name,
                 int number, const struct perms_entry *entry, struct err *err)
{
    char path[256];
    perms_path(path, sizeof path, frame, name);
    return perms_explain(err, number, entry != NULL ? "give" : "look at", path, job->policy, entry);
}

/* Counts ENTRY as left alone where the policy says so; fails where it says that. */
static bool settle_hardlink(const struct perms_job *job, const struct perms_frame *frame,
                            const char *name, const struct perms_entry *entry, bool *leave,
                            struct err *err)
{
    *leave = false;
    if (entry->nlink < 2 || job->hardlinks == PERMS_HARDLINKS_FIX)
        return true;
    if (job->hardlinks == PERMS_HARDLINKS_SKIP) {
        *leave = true;
        return true;
    }
    char path[256];
    perms_path(path, sizeof path, frame, name);
    return err_set(err, ERR_REFUSED,
                   "'%s' belongs to %u:%u and has %u names, some perhaps outside the volume (%s); "
                   "--hardlinks=fix changes it, --hardlinks=skip leaves it",
                   path, entry->uid, entry->gid, entry->nlink, job->outside);
}

/* One look at NAME; with PIN through a descriptor, -1 without, that names what was looked at and
 * nothing else, whatever happens to NAME. Returns 0 or the errno value. */
static int look_at(const struct perms_frame *frame, const char *name, bool pin, int *fd,
                   struct perms_entry *entry)
{
    *fd = -1;
    if (!pin)
        return perms_look(frame->fd, name, entry);
    *fd = openat(frame->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return *fd >= 0 ? perms_look(*fd, "", entry) : errno;
}

static int change(const struct perms_job *job, const struct perms_frame *frame, const char *name,
                  int fd)
{
    uid_t uid = job->policy->uid;
    gid_t gid = job->policy->gid;
    int result = fd >= 0 ? fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)
                         : fchownat(frame->fd, name, uid, gid, AT_SYMLINK_NOFOLLOW);
    return result == 0 ? 0 : errno;
}

static enum perms_outcome mend_wrong(const struct perms_job *job, const struct perms_frame *frame,
                                     const char *name, int fd, const struct perms_entry *entry,
                                     struct perms_report *report, struct err *err)
{
    bool leave;
    if (!settle_hardlink(job, frame, name, entry, &leave, err))
        return PERMS_FAILED;
    /* a device given away would be the host's device given away */
    if (leave || S_ISBLK(entry->mode) || S_ISCHR(entry->mode)) {
        report->skipped++;
        return PERMS_DONE;
    }
    if (job->policy->check) {
        perms_note_wrong(report, frame, name);
        return PERMS_DONE;
    }
    int number = change(job, frame, name, fd);
    if (number != 0 && !is_gone(number)) {
        (void)fail(job, frame, name, number, entry, err);
        return PERMS_FAILED;
    }
    report->changed += number == 0;
    return PERMS_DONE;
}

/* Nothing to do, or nothing that may be done. */
static bool is_settled(const struct perms_job *job, const struct perms_entry *entry)
{
    return S_ISDIR(entry->mode) || perms_is_foreign(job, entry) || perms_is_right(job, entry);
}

static enum perms_outcome judge(const struct perms_job *job, const struct perms_frame *frame,
                                const char *name, int fd, const struct perms_entry *entry,
                                struct perms_report *report, struct err *err)
{
    if (S_ISDIR(entry->mode))
        return PERMS_IS_DIRECTORY;
    report->scanned++;
    if (perms_is_foreign(job, entry)) {
        report->skipped++;
        return PERMS_DONE;
    }
    return perms_is_right(job, entry) ? PERMS_DONE
                                      : mend_wrong(job, frame, name, fd, entry, report, err);
}

enum perms_outcome perms_mend_file(const struct perms_job *job, const struct perms_frame *frame,
                                   const char *name, struct perms_report *report, struct err *err)
{
    int fd;
    struct perms_entry entry = {0};
    enum perms_outcome outcome = PERMS_FAILED;
    bool pinning = job->pinned && !job->policy->check;
    /* what is in a wrong directory is probably wrong: pinned at once it costs one look, not two */
    bool pinned = pinning && !perms_is_right(job, &frame->entry);
    int number = look_at(frame, name, pinned, &fd, &entry);
    if (number == 0 && pinning && !pinned && !is_settled(job, &entry))
        number = look_at(frame, name, true, &fd, &entry);
    if (number == 0) {
        outcome = judge(job, frame, name, fd, &entry, report, err);
    } else if (is_gone(number)) {
        outcome = PERMS_DONE; /* a live volume */
    } else if (number == EACCES && job->policy->check) {
        report->scanned++;
        perms_note_wrong(report, frame, name);
        outcome = PERMS_DONE;
    } else {
        (void)fail(job, frame, name, number, NULL, err);
    }
    if (fd >= 0)
        (void)close(fd);
    return outcome;
}

bool perms_give_unseen(const struct perms_job *job, const struct perms_frame *frame,
                       const char *name, struct perms_report *report)
{
    if (change(job, frame, name, -1) != 0)
        return false;
    report->scanned++;
    report->changed++;
    return true;
}

bool perms_mend_directory(const struct perms_job *job, const struct perms_frame *frame,
                          struct perms_report *report, struct err *err)
{
    if (perms_is_right(job, &frame->entry))
        return true;
    if (job->policy->check) {
        perms_note_wrong(report, frame, NULL);
        return true;
    }
    if (fchown(frame->fd, job->policy->uid, job->policy->gid) != 0)
        return fail(job, frame, NULL, errno, &frame->entry, err);
    report->changed++;
    return true;
}
