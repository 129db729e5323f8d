#include <errno.h>
#include <string.h>

#include "init/sys/perms_internal.h"
#include "init/sys/privilege.h"

/* Root without a map for the owner of a file sees it as this (user_namespaces(7)). */
#define OVERFLOW_ID 65534U

static bool explain_denied(struct err *err, const char *verb, const char *path,
                           const struct perms_policy *policy, const struct perms_entry *entry)
{
    if (entry != NULL && entry->immutable) {
        return err_set(err, ERR_DENIED,
                       "cannot %s '%s': it is immutable (chattr -i and -a take that away)", verb,
                       path);
    }
    if (!privilege_can_chown()) {
        return err_set(
            err, ERR_DENIED,
            "cannot %s '%s': it has to belong to %u:%u and this process may not change that; "
            "set securityContext.fsGroup: %u of the pod, or run this container with "
            "runAsUser: 0 and capabilities: {drop: [ALL], add: [CHOWN, DAC_OVERRIDE, FOWNER, "
            "SETUID, SETGID]}",
            verb, path, policy->uid, policy->gid, policy->gid);
    }
    if (entry == NULL || strcmp(verb, "give") != 0) {
        return err_set(
            err, ERR_DENIED,
            "cannot %s '%s': permission denied; root needs capabilities: {add: [CHOWN, "
            "DAC_OVERRIDE, FOWNER]} for it, and an NFS server with root_squash refuses even "
            "then",
            verb, path);
    }
    if (entry->uid == OVERFLOW_ID || entry->gid == OVERFLOW_ID) {
        return err_set(
            err, ERR_DENIED,
            "cannot give '%s' away: it belongs to an id that is not mapped here; either an NFS "
            "server squashes root (set the owner on the server), or the pod has hostUsers: false "
            "and the volume does not support idmapped mounts",
            path);
    }
    return err_set(
        err, ERR_DENIED,
        "cannot give '%s' to %u:%u: the file system does not permit it to root (NFS with "
        "root_squash?); set the owner on the server",
        path, policy->uid, policy->gid);
}

bool perms_explain(struct err *err, int number, const char *verb, const char *path,
                   const struct perms_policy *policy, const struct perms_entry *entry)
{
    switch (number) {
    case EPERM:
    case EACCES:
        return explain_denied(err, verb, path, policy, entry);
    case EINVAL:
    case EOVERFLOW:
        return err_set(
            err, ERR_DENIED,
            "cannot %s '%s': %u:%u is not mapped in this user namespace; with hostUsers: false "
            "the owner must be below 65536 and the volume must support idmapped mounts",
            verb, path, policy->uid, policy->gid);
    case EROFS:
        return err_errno(err, number,
                         "cannot %s '%s' (readOnly: true on its volumeMount, or a file system that "
                         "went read-only after an error)",
                         verb, path);
    case EMFILE:
    case ENFILE:
        return err_errno(err, number, "cannot %s '%s' (descriptors: ulimit -n 64 is enough)", verb,
                         path);
    default:
        return err_errno(err, number, "cannot %s '%s'", verb, path);
    }
}

void perms_advice(const struct perms_policy *policy, struct buf *out)
{
    buf_printf(out,
               "# What mends it, in the pod template. Either the kubelet does it:\n"
               "securityContext:\n"
               "  runAsUser: %u\n"
               "  runAsGroup: %u\n"
               "  fsGroup: %u\n"
               "  fsGroupChangePolicy: OnRootMismatch\n",
               policy->uid, policy->gid, policy->gid);
    if (policy->root_mode != 0) {
        buf_add_text(
            out, "# (fsGroup changes the group and never the user: files of another user need the "
                 "second way)\n");
    }
    buf_add_text(out,
                 "# Or the init container \"ordain init\" does it (baseline, not restricted):\n"
                 "initContainers:\n"
                 "  - name: ordain\n"
                 "    securityContext:\n"
                 "      runAsUser: 0\n"
                 "      runAsGroup: 0\n"
                 "      runAsNonRoot: false\n"
                 "      allowPrivilegeEscalation: false\n"
                 "      capabilities:\n"
                 "        drop: [ALL]\n"
                 "        add: [CHOWN, DAC_OVERRIDE, FOWNER, SETUID, SETGID]\n");
}
