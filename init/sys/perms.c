#include "init/sys/perms.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/sys/perms_internal.h"

/* ---- the path */

/* PATH without ".", "..", double and closing slashes, from the working directory on. That ".." goes
 * by the text is right because no symbolic link is passed. */
static bool make_absolute(char out[static 4096], const char *path, struct err *err)
{
    size_t length = 0;
    if (path[0] == '\0')
        return err_set(err, ERR_USAGE, "an empty path names no directory");
    if (path[0] != '/') {
        if (getcwd(out, 4096) == NULL || out[0] != '/')
            return err_errno(err, ENOENT, "cannot tell the working directory");
        length = strcmp(out, "/") == 0 ? 0 : strlen(out);
    }
    while (*path != '\0') {
        size_t name = strcspn(path, "/");
        if (name == 2 && memcmp(path, "..", 2) == 0) {
            while (length > 0 && out[--length] != '/') {
            }
        } else if (name > 0 && !(name == 1 && path[0] == '.')) {
            if (length + name + 2 > 4096)
                return err_errno(err, ENAMETOOLONG, "cannot open '%.200s...'", path);
            out[length++] = '/';
            memcpy(out + length, path, name);
            length += name;
        }
        path += name + (path[name] == '/');
    }
    if (length == 0)
        out[length++] = '/';
    out[length] = '\0';
    return true;
}

/* What belongs to the system and never is a volume. What lies in it may be one (/etc/redis), but
 * for /proc and /sys. */
static const char *const system_paths[] = {
    "/",     "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64",
    "/proc", "/run", "/sbin", "/sys", "/usr", "/var",
};

/* By name, and by what it is: another mount of the same. */
static bool is_system(const char *path, const struct perms_entry *root)
{
    if (strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/sys/", 5) == 0)
        return true;
    for (size_t i = 0; i < sizeof system_paths / sizeof system_paths[0]; i++) {
        struct perms_entry entry;
        if (strcmp(path, system_paths[i]) == 0 ||
            (perms_look(AT_FDCWD, system_paths[i], &entry) == 0 && entry.dev == root->dev &&
             entry.ino == root->ino))
            return true;
    }
    return false;
}

static bool explain_open(struct err *err, int number, const char *path, const char *shown,
                         const struct perms_policy *policy)
{
    struct stat status;
    switch (number) {
    case ENOENT:
        return err_set(err, ERR_CONFIG, "no directory '%s': is the volume mounted there", shown);
    case ELOOP:
    case ENOTDIR:
        if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
            return err_set(err, ERR_REFUSED,
                           "'%s' passes through a symbolic link; name the directory itself", shown);
        }
        return err_set(err, ERR_CONFIG, "'%s' is no directory", shown);
    default:
        return perms_explain(err, number, "open", shown, policy, NULL);
    }
}

/* ---- the root itself */

/* The mode that the root should have: its own where that is right. */
static mode_t wanted_mode(const struct perms_policy *policy, mode_t mode)
{
    mode &= 07777;
    if (policy->root_mode == 0)
        return mode | S_IRWXU;
    return policy->root_mode_also != 0 && mode == policy->root_mode_also ? mode : policy->root_mode;
}

static bool root_is_right(const struct perms_job *job, const struct perms_entry *root)
{
    return perms_is_right(job, root) &&
           (root->uid != job->policy->uid || /* right by its group */
            (root->mode & 07777) == wanted_mode(job->policy, root->mode));
}

/* The mode first: once the root is given away, only CAP_FOWNER could. */
static bool mend_root(const struct perms_job *job, const struct perms_frame *root,
                      struct perms_report *report, struct err *err)
{
    const struct perms_policy *policy = job->policy;
    struct perms_entry entry;
    int number = perms_look(root->fd, "", &entry);
    char path[256];
    perms_path(path, sizeof path, root, NULL);
    if (number != 0)
        return perms_explain(err, number, "look at", path, policy, NULL);
    if (root_is_right(job, &entry))
        return true;
    if (policy->check) {
        perms_note_wrong(report, root, NULL);
        return true;
    }
    mode_t mode = wanted_mode(policy, entry.mode);
    if ((entry.mode & 07777) != mode && fchmod(root->fd, mode) != 0)
        return perms_explain(err, errno, "change the mode of", path, policy, &entry);
    if (!perms_is_right(job, &entry) && fchown(root->fd, policy->uid, policy->gid) != 0)
        return perms_explain(err, errno, "give", path, policy, &entry);
    number = perms_look(root->fd, "", &entry);
    if (number != 0 || !root_is_right(job, &entry)) {
        return err_set(
            err, ERR_CONFIG,
            "'%s' is still %u:%u %04o after it was set to %u:%u %04o: its file system ignores "
            "owners; use its mount options (uid=, gid=, dir_mode=)",
            path, entry.uid, entry.gid, entry.mode & 07777U, policy->uid, policy->gid,
            (unsigned)mode);
    }
    report->changed++;
    return true;
}

/* ---- the whole */

/* AUTO and what follows from where the volume lies. */
static bool look_around(struct perms_job *job, const char *path, const char *shown, struct err *err)
{
    struct perms_mounts mounts;
    perms_mounts_observe(job->root.mount, path, &mounts);
    if (job->root.mount == 0 && mounts.same_below && !job->policy->cross_mounts) {
        return err_set(
            err, ERR_REFUSED,
            "something may be mounted below '%s' and this kernel cannot tell it from the "
            "volume; --cross-mounts takes it as a part of the volume",
            shown);
    }
    job->pinned = mounts.part || mounts.shared;
    (void)snprintf(job->outside, sizeof job->outside, "%s",
                   mounts.shared ? mounts.other : "it is a part of a larger file system");
    if (job->hardlinks == PERMS_HARDLINKS_AUTO)
        job->hardlinks = job->pinned ? PERMS_HARDLINKS_FAIL : PERMS_HARDLINKS_FIX;
    job->unseen_allowed = !job->pinned && !mounts.below && job->hardlinks == PERMS_HARDLINKS_FIX;
    return true;
}

/* Opens for reading what PATH_FD names; minus the errno value where that fails. */
static int open_root(int path_fd)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    int fd = openat(path_fd, ".", flags | O_NOATIME);
    if (fd < 0 && errno == EPERM)
        fd = openat(path_fd, ".", flags);
    return fd >= 0 ? fd : -errno;
}

static bool mend(int path_fd, const char *path, const char *shown,
                 const struct perms_policy *policy, struct perms_report *report, struct err *err)
{
    struct perms_job job = {.policy = policy, .hardlinks = policy->hardlinks};
    int number = perms_look(path_fd, "", &job.root);
    if (number != 0)
        return perms_explain(err, number, "look at", shown, policy, NULL);
    if (is_system(path, &job.root)) {
        return err_set(err, ERR_USAGE, "'%s' belongs to the system: its owners are left alone",
                       shown);
    }
    report->scanned = 1;
    struct perms_frame root = {.name = path, .entry = job.root};
    if (root_is_right(&job, &job.root) && !policy->always) {
        report->root_was_right = true;
        return true;
    }
    root.fd = open_root(path_fd);
    if (root.fd == -EACCES && policy->check) {
        perms_note_wrong(report, &root, NULL);
        return true;
    }
    if (root.fd < 0)
        return perms_explain(err, -root.fd, "read", shown, policy, &job.root);
    bool ok = (policy->root_only ||
               (look_around(&job, path, shown, err) && perms_walk(&job, &root, report, err))) &&
              mend_root(&job, &root, report, err);
    (void)close(root.fd);
    return ok;
}

bool perms_apply(const char *path, const struct perms_policy *policy, struct perms_report *report,
                 struct err *err)
{
    char absolute[4096];
    char shown[256];
    *report = (struct perms_report){0};
    if (!make_absolute(absolute, path, err))
        return false;
    perms_escape(shown, sizeof shown, absolute);
    int fd = perms_open_path(absolute);
    if (fd < 0)
        return explain_open(err, -fd, absolute, shown, policy);
    bool ok = mend(fd, absolute, shown, policy, report, err);
    (void)close(fd);
    return ok;
}
