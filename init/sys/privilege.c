#include "init/sys/privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* (uid_t)-1 means "leave it" to chown and setresuid: never an owner. */
#define ID_MAX (UINT32_MAX - 1)

/* ---- owners */

static bool parse_id(const char **at, uint32_t *id)
{
    uint64_t value = 0;
    const char *digit = *at;
    for (; *digit >= '0' && *digit <= '9'; digit++) {
        value = value * 10 + (uint64_t)(*digit - '0');
        if (value > ID_MAX)
            return false;
    }
    if (digit == *at || (**at == '0' && digit - *at > 1))
        return false;
    *at = digit;
    *id = (uint32_t)value;
    return true;
}

bool privilege_parse_owner(const char *text, uid_t *uid, gid_t *gid, struct err *err)
{
    const char *at = text;
    uint32_t user = 0;
    uint32_t group = 0;
    bool ok = parse_id(&at, &user);
    group = user;
    if (ok && *at == ':') {
        at++;
        ok = parse_id(&at, &group);
    }
    if (!ok || *at != '\0') {
        return err_set(
            err, ERR_CONFIG,
            "owner '%.64s' is not UID or UID:GID, decimal numbers below 4294967295 (names are "
            "another image's matter)",
            text);
    }
    *uid = user;
    *gid = group;
    return true;
}

/* ---- capabilities, by the system calls: version 3 holds 64 bits in two parts (capget(2)) */

struct capabilities {
    struct __user_cap_data_struct part[2];
};

static bool capabilities_get(struct capabilities *caps)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    *caps = (struct capabilities){0};
    return syscall(SYS_capget, &header, caps->part) == 0;
}

static bool capabilities_clear(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct capabilities none = {0};
    return syscall(SYS_capset, &header, none.part) == 0;
}

static bool has(const struct capabilities *caps, unsigned number)
{
    return (caps->part[number / 32].effective & (UINT32_C(1) << number % 32)) != 0;
}

bool privilege_can_chown(void)
{
    struct capabilities caps;
    return capabilities_get(&caps) && has(&caps, CAP_CHOWN);
}

/* The bounding set needs SETPCAP, which the baseline standard allows and few grant: what is left of
 * it is harmless under no_new_privs. */
static void drop_bounding(void)
{
    for (unsigned long number = 0; prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++)
        (void)prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

/* ---- becoming the owner */

static bool is_already(uid_t uid, gid_t gid)
{
    uid_t real_user, user, saved_user;
    gid_t real_group, group, saved_group;
    return getresuid(&real_user, &user, &saved_user) == 0 &&
           getresgid(&real_group, &group, &saved_group) == 0 && real_user == uid && user == uid &&
           saved_user == uid && real_group == gid && group == gid && saved_group == gid;
}

static bool switch_to(uid_t uid, gid_t gid, struct err *err)
{
    if (setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0)
        return true;
    if (errno == EINVAL) {
        return err_set(
            err, ERR_DENIED,
            "cannot become %u:%u: not mapped in this user namespace (hostUsers: false maps ids "
            "below 65536)",
            uid, gid);
    }
    if (errno == EPERM) {
        return err_set(
            err, ERR_DENIED,
            "cannot become %u:%u from user %u: the securityContext needs capabilities: {add: "
            "[SETUID, SETGID]}, or runAsUser: %u and runAsGroup: %u",
            uid, gid, geteuid(), uid, gid);
    }
    return err_errno(err, errno, "cannot become %u:%u", uid, gid);
}

static bool is_powerless(bool switched, uid_t uid)
{
    struct capabilities caps;
    static const struct capabilities none;
    return capabilities_get(&caps) && memcmp(&caps, &none, sizeof caps) == 0 &&
           prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && (!switched || getgroups(0, NULL) == 0) &&
           (uid == 0 || setresuid((uid_t)-1, 0, (uid_t)-1) != 0);
}

bool privilege_become(uid_t uid, gid_t gid, struct err *err)
{
    bool switched = !is_already(uid, gid);
    drop_bounding();
    if (switched && !switch_to(uid, gid, err))
        return false;
    if (!capabilities_clear())
        return err_errno(err, errno, "cannot give up the capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_errno(err, errno, "cannot set no_new_privs");
    if (!is_already(uid, gid) || !is_powerless(switched, uid))
        return err_set(err, ERR_BUG, "still privileged after becoming %u:%u", uid, gid);
    return true;
}
