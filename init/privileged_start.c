#include "init/privileged_start.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/postgres/datadir.h"
#include "init/sys/log.h"
#include "init/sys/privilege.h"

/* ---- whom and how */

/* Of the official images; docker-library's Dockerfiles of redis 8, valkey 8 and postgres 18. */
static const struct image_owner {
    const char *preset;
    uid_t uid;
    gid_t gid;
} image_owners[] = {
    {"redis",    999, 999 }, /* Debian */
    {"redis",    999, 1000}, /* Alpine */
    {"postgres", 999, 999 }, /* Debian */
    {"postgres", 70,  70  }, /* Alpine */
};

static bool preset_owner(const char *preset, gid_t group, uid_t *uid, gid_t *gid)
{
    const struct image_owner *taken = NULL;
    for (size_t i = 0; i < sizeof image_owners / sizeof image_owners[0]; i++) {
        const struct image_owner *row = &image_owners[i];
        if (strcmp(row->preset, preset) == 0 && (taken == NULL || row->gid == group))
            taken = row;
    }
    if (taken == NULL)
        return false;
    *uid = taken->uid;
    *gid = group != 0 ? group : taken->gid;
    return true;
}

/* PATH without its last name; false when nothing is left. */
static bool cut_last_name(char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    while (length > 1 && path[length - 1] == '/')
        length--;
    path[length] = '\0';
    return length > 1;
}

/* PATH or, while it does not exist, what is above it: the place where it would be made. */
static bool nearest(const char *path, char found[static PATH_MAX], struct stat *status)
{
    if (strlen(path) >= PATH_MAX)
        return false;
    memcpy(found, path, strlen(path) + 1);
    while (lstat(found, status) != 0)
        if (errno != ENOENT || !cut_last_name(found))
            return false;
    return true;
}

static bool is_member(gid_t group)
{
    gid_t groups[NGROUPS_MAX];
    int count = getgroups(NGROUPS_MAX, groups);
    for (int i = 0; i < count; i++)
        if (groups[i] == group)
            return true;
    return group == getegid();
}

bool privileged_owner(const char *owner, const char *preset, const char *path, uid_t *uid,
                      gid_t *gid, struct err *err)
{
    char found[PATH_MAX];
    struct stat status = {0};
    bool seen = nearest(path, found, &status);
    if (owner[0] != '\0')
        return privilege_parse_owner(owner, uid, gid, err);
    if (geteuid() != 0 && !privilege_can_chown()) {
        *uid = geteuid();
        *gid = seen && is_member(status.st_gid) ? status.st_gid : getegid();
        return true;
    }
    if (seen && status.st_uid != 0) {
        *uid = status.st_uid;
        *gid = status.st_gid;
        return true;
    }
    if (!preset_owner(preset, seen ? status.st_gid : 0, uid, gid)) {
        char shown[256];
        perms_escape(shown, sizeof shown, path);
        return err_set(
            err, ERR_CONFIG,
            "whom should '%s' belong to? It is root's; --owner UID:GID tells, or --preset "
            "redis or postgres",
            shown);
    }
    return true;
}

struct perms_policy privileged_policy(const struct settings *settings, const char *preset)
{
    const char *hardlinks = settings->hardlinks;
    struct perms_policy policy = {
        .always = settings->always,
        .cross_mounts = settings->cross_mounts,
        .hardlinks = strcmp(hardlinks, "fix") == 0    ? PERMS_HARDLINKS_FIX
                     : strcmp(hardlinks, "skip") == 0 ? PERMS_HARDLINKS_SKIP
                     : strcmp(hardlinks, "fail") == 0 ? PERMS_HARDLINKS_FAIL
                                                      : PERMS_HARDLINKS_AUTO,
    };
    if (strcmp(preset, "postgres") == 0) {
        policy.root_mode = 0700; /* PostgreSQL 17 docs, 18.2: 0700, or 0750 with group access */
        policy.root_mode_also = 0750;
    }
    return policy;
}

/* ---- as root */

static bool mend(const char *path, const struct perms_policy *policy, struct err *err)
{
    struct perms_report report;
    char shown[256];
    if (!perms_apply(path, policy, &report, err))
        return false;
    perms_escape(shown, sizeof shown, path);
    if (report.changed > 0) {
        log_info("'%s': %llu of %llu entries mended, owner %u:%u", shown,
                 (unsigned long long)report.changed, (unsigned long long)report.scanned,
                 policy->uid, policy->gid);
    } else {
        log_debug("'%s': permissions are right", shown);
    }
    return true;
}

/* On a volume, which is what is not mounted together with "/": nothing of the image's own, or of
 * the machine's where no container is, is given away. */
static bool is_on_volume(const char *path)
{
    struct stat status;
    struct stat slash;
    return lstat(path, &status) == 0 && stat("/", &slash) == 0 && status.st_dev != slash.st_dev;
}

/* PGDATA is made, cloned beside and renamed in the directory above it, which has to be the owner's
 * too. A PGDATA that does not exist yet is left to whoever makes it. */
static bool mend_pgdata(const char *path, const struct perms_policy *policy, struct err *err)
{
    char above[PATH_MAX];
    char found[PATH_MAX];
    struct stat status;
    (void)snprintf(above, sizeof above, "%s", path);
    if (cut_last_name(above) && nearest(above, found, &status) && is_on_volume(found)) {
        struct perms_policy parent = {.uid = policy->uid, .gid = policy->gid, .root_only = true};
        if (!mend(found, &parent, err))
            return false;
    }
    if (lstat(path, &status) != 0 && errno == ENOENT)
        return true;
    return mend(path, policy, err);
}

/* The image of a server rarely has the directory: it is an emptyDir's mount point, or made here. */
static bool mend_config_dir(const char *path, const struct perms_policy *policy, struct err *err)
{
    struct perms_policy config = {
        .uid = policy->uid, .gid = policy->gid, .hardlinks = policy->hardlinks};
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
        return err_errno(err, errno,
                         "no directory '%s' (an emptyDir's mountPath) and none can be made", path);
    }
    return mend(path, &config, err);
}

static bool start_as_root(const struct settings *settings, const char *preset, struct err *err)
{
    struct perms_policy policy = privileged_policy(settings, preset);
    bool postgres = strcmp(preset, "postgres") == 0;
    if (!privileged_owner(settings->owner, preset, settings->data_dir, &policy.uid, &policy.gid,
                          err))
        return false;
    bool mended = postgres ? mend_pgdata(settings->data_dir, &policy, err)
                           : mend(settings->data_dir, &policy, err);
    return mended && mend_config_dir(settings->config_dir, &policy, err) &&
           privilege_become(policy.uid, policy.gid, err);
}

/* ---- as anybody else */

static bool check_writable(const char *path, struct err *err)
{
    char shown[256];
    struct stat status;
    perms_escape(shown, sizeof shown, path);
    if (faccessat(AT_FDCWD, path, R_OK | W_OK | X_OK, AT_EACCESS) == 0)
        return true;
    int number = errno;
    if (number != EACCES && number != EPERM)
        return err_errno(err, number, "cannot use the directory '%s'", shown);
    if (stat(path, &status) != 0) {
        return err_set(err, ERR_DENIED, "user %u cannot reach '%s': permission denied", geteuid(),
                       shown);
    }
    return err_set(
        err, ERR_DENIED,
        "user %u cannot write to '%s', which is %u:%u with mode %04o; the pod's "
        "securityContext needs fsGroup: %u and fsGroupChangePolicy: OnRootMismatch, or the "
        "init container runAsUser: 0 and capabilities: {drop: [ALL], add: [CHOWN, "
        "DAC_OVERRIDE, FOWNER, SETUID, SETGID]}",
        geteuid(), shown, status.st_uid, status.st_gid, (unsigned)(status.st_mode & 07777),
        getegid());
}

/* fsGroup opens PGDATA to its group at each start (2770), and then the server refuses it; its owner
 * needs no capability to close it. */
static bool close_pgdata(const char *path, struct err *err)
{
    struct stat status;
    if (lstat(path, &status) != 0 || !S_ISDIR(status.st_mode) || status.st_uid != geteuid())
        return true;
    struct perms_policy policy = {.uid = status.st_uid,
                                  .gid = status.st_gid,
                                  .root_mode = 0700,
                                  .root_mode_also = 0750,
                                  .root_only = true};
    return mend(path, &policy, err);
}

static bool start_as_user(const struct settings *settings, const char *preset, struct err *err)
{
    char found[PATH_MAX];
    struct stat status;
    bool postgres = strcmp(preset, "postgres") == 0;
    /* a PGDATA that does not exist is made in what is above it */
    const char *data =
        postgres && nearest(settings->data_dir, found, &status) ? found : settings->data_dir;
    return (!postgres || close_pgdata(settings->data_dir, err)) && check_writable(data, err) &&
           check_writable(settings->config_dir, err) && privilege_become(geteuid(), getegid(), err);
}

bool privileged_start(const struct settings *settings, const char *preset, struct err *err)
{
    if (strcmp(preset, "postgres") == 0 && !datadir_check_path(settings->data_dir, err))
        return false;
    return geteuid() == 0 || privilege_can_chown() ? start_as_root(settings, preset, err)
                                                   : start_as_user(settings, preset, err);
}
