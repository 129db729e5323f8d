#include "init/identity.h"

#include <stdio.h>
#include <string.h>

#include "init/net/dns_name.h"
#include "init/sys/log.h"
#include "roles/ordinal.h"

#define DEFAULT_DOMAIN "cluster.local"
#define ORDINAL_DIGITS 10

static bool copy(char *to, const char *from, size_t len)
{
    if (len >= IDENTITY_NAME_MAX)
        return false;
    memcpy(to, from, len);
    to[len] = '\0';
    return true;
}

/* A label that a person or the downward API told; SOURCE names where. "" stays "". */
static bool take_label(char *to, const char *source, const char *text, struct err *err)
{
    const char *fault = text[0] == '\0' ? NULL : dns_name_label_fault(text);
    if (fault != NULL)
        return err_set(err, ERR_CONFIG, "%s '%s' %s", source, text, fault);
    return copy(to, text, strlen(text));
}

/* Who says which ordinal; the first one is kept to compare the others with. */
struct claim {
    const char *source, *text;
    int ordinal;
};

static bool agree(struct claim *first, struct claim next, struct err *err)
{
    if (first->source == NULL) {
        *first = next;
        return true;
    }
    if (first->ordinal != next.ordinal) {
        return err_set(
            err, ERR_CONFIG, "%s '%s' says ordinal %d, but %s '%s' says %d: they must agree",
            first->source, first->text, first->ordinal, next.source, next.text, next.ordinal);
    }
    return true;
}

static const char *ordinal_fault(enum ordinal_status status)
{
    switch (status) {
    case ORDINAL_OK:
        return NULL;
    case ORDINAL_EMPTY:
        return "is empty, or has nothing before the ordinal";
    case ORDINAL_NO_TAIL:
        return "does not end in '-' and an ordinal, as a StatefulSet's pod does";
    case ORDINAL_LEADING_ZERO:
        return "has an ordinal with a leading zero, which Kubernetes never gives";
    case ORDINAL_SIGN:
        return "has an ordinal with a sign: ordinals are plain decimal numbers";
    case ORDINAL_TOO_LARGE:
        return "has an ordinal above 2147483647";
    case ORDINAL_NOT_A_NUMBER:
        return "is no ordinal: a plain decimal number is";
    }
    return "is no ordinal";
}

/* True when SET is the first STEM bytes of NAME. */
static bool is_stem(const char *set, const char *name, size_t stem)
{
    return strlen(set) == stem && memcmp(set, name, stem) == 0;
}

/* POD_NAME; where it is no pod's of this set *foreign says so, a failure only with NEED_POD. */
static bool claim_pod_name(struct identity *identity, const char *name, bool need_pod,
                           struct claim *first, bool *foreign, struct err *err)
{
    struct claim claim = {.source = "POD_NAME", .text = name};
    size_t stem = 0;
    const char *fault = dns_name_label_fault(name);
    if (fault != NULL)
        return err_set(err, ERR_CONFIG, "POD_NAME '%s' %s", name, fault);
    fault = ordinal_fault(ordinal_of_name(name, &claim.ordinal, &stem));
    const char *set = identity->statefulset;
    if (fault == NULL && (set[0] == '\0' || is_stem(set, name, stem)))
        return copy(identity->statefulset, name, stem) && agree(first, claim, err);
    *foreign = true;
    if (!need_pod)
        return true;
    if (fault != NULL)
        return err_set(err, ERR_CONFIG, "POD_NAME '%s' %s", name, fault);
    return err_set(err, ERR_CONFIG,
                   "POD_NAME '%s' is no pod of the StatefulSet '%s' that ORDAIN_STATEFULSET names",
                   name, set);
}

/* The way cloud nodes are called: "ip-" and the four numbers of an address. */
static bool looks_like_node(const char *name)
{
    if (strncmp(name, "ip-", 3) != 0)
        return false;
    int dashes = 0;
    for (name += 3; *name != '\0' && *name != '.'; name++)
        if (*name == '-')
            dashes++;
        else if (*name < '0' || *name > '9')
            return false;
    return dashes == 3;
}

/* The host name, where it is the pod's; else REASON says in one clause why it does not count. */
static bool claim_host_name(struct identity *identity, const struct identity_machine *machine,
                            struct claim *first, struct err *reason, struct err *err)
{
    struct claim claim = {.source = "the host name", .text = machine->host_name};
    char label[IDENTITY_NAME_MAX] = "";
    const char *set = identity->statefulset;
    size_t stem = 0;
    (void)copy(label, claim.text, strcspn(claim.text, "."));
    const char *fault = ordinal_fault(ordinal_of_name(label, &claim.ordinal, &stem));
    if (machine->host_network || (fault == NULL && set[0] == '\0' && looks_like_node(label))) {
        err_set(reason, ERR_CONFIG, "the host name '%s' is the node's under hostNetwork",
                claim.text);
    } else if (fault == NULL && set[0] != '\0' && !is_stem(set, label, stem)) {
        err_set(reason, ERR_CONFIG,
                "the host name '%s' is no pod of the StatefulSet '%s' (under hostNetwork it is the "
                "node's)",
                claim.text, set);
    } else {
        fault = fault == NULL ? dns_name_label_fault(label) : fault;
        if (fault == NULL)
            return copy(identity->statefulset, label, stem) && agree(first, claim, err);
        err_set(reason, ERR_CONFIG, "the host name '%s' %s", claim.text, fault);
    }
    log_debug("%s: left out", reason->message);
    return true;
}

static bool derive_ordinal(struct identity *identity, const struct settings *settings,
                           const struct identity_machine *machine, bool need_pod, struct err *err)
{
    struct claim first = {.source = NULL};
    struct err reason = {.kind = ERR_CONFIG};
    char number[16];
    bool foreign = false;
    if (settings->ordinal >= 0) {
        (void)snprintf(number, sizeof number, "%d", settings->ordinal);
        first = (struct claim){"--ordinal (ORDAIN_ORDINAL)", number, settings->ordinal};
    }
    if (settings->pod_name[0] != '\0' &&
        !claim_pod_name(identity, settings->pod_name, need_pod, &first, &foreign, err))
        return false;
    if (settings->pod_index[0] != '\0' && !foreign) {
        struct claim claim = {.source = "POD_INDEX", .text = settings->pod_index};
        const char *fault = ordinal_fault(ordinal_parse(claim.text, &claim.ordinal));
        if (fault != NULL)
            return err_set(err, ERR_CONFIG, "POD_INDEX '%s' %s", claim.text, fault);
        if (!agree(&first, claim, err))
            return false;
    }
    if (!foreign && !claim_host_name(identity, machine, &first, &reason, err))
        return false;
    if (first.source == NULL) {
        identity->ordinal = -1;
        return !need_pod || err_set(err, ERR_CONFIG,
                                    "%s: set POD_NAME (downward API, metadata.name) or --ordinal",
                                    reason.message);
    }
    identity->ordinal = first.ordinal;
    if (first.ordinal < identity->ordinal_start) {
        return err_set(err, ERR_CONFIG,
                       "%s '%s' is below the first ordinal %d: --ordinal-start must be what "
                       ".spec.ordinals.start is",
                       first.source, first.text, identity->ordinal_start);
    }
    return true;
}

/* POD_IP, which must be one of POD_IPS where both are told; POD_IPS alone gives its first. */
static bool derive_ip(struct identity *identity, const struct settings *settings, struct err *err)
{
    const char *ip = settings->pod_ip;
    if (ip[0] != '\0') {
        if (!addr_parse(&identity->pod_ip, ip))
            return err_set(err, ERR_CONFIG, "POD_IP '%s' is no IP address", ip);
        if (!addr_is_usable(&identity->pod_ip))
            return err_set(err, ERR_CONFIG, "POD_IP '%s' is no address that peers can reach", ip);
    }
    const char *rest = settings->pod_ips;
    bool listed = rest[0] == '\0';
    while (rest[0] != '\0') {
        char text[IDENTITY_NAME_MAX];
        struct addr one;
        size_t len = strcspn(rest, ",");
        if (!copy(text, rest, len) || !addr_parse(&one, text)) {
            return err_set(err, ERR_CONFIG,
                           "POD_IPS '%s' is no comma separated list of IP addresses",
                           settings->pod_ips);
        }
        if (identity->pod_ip.family == ADDR_NONE)
            identity->pod_ip = one;
        listed = listed || addr_equal(&one, &identity->pod_ip);
        rest += len + (rest[len] == ',');
    }
    return listed ||
           err_set(err, ERR_CONFIG, "POD_IP '%s' is not among POD_IPS '%s'", ip, settings->pod_ips);
}

static bool derive_domain(struct identity *identity, const struct settings *settings,
                          const char *search_domain, struct err *err)
{
    const char *told = settings->cluster_domain;
    if (told[0] == '\0')
        told = search_domain[0] != '\0' ? search_domain : DEFAULT_DOMAIN;
    size_t len = strlen(told);
    if (len > 0 && told[len - 1] == '.')
        len--;
    if (!copy(identity->domain, told, len) || dns_name_fault(identity->domain) != NULL) {
        return err_set(err, ERR_CONFIG, "--cluster-domain '%s' is no domain name in lower case",
                       told);
    }
    return true;
}

static bool derive_namespace(struct identity *identity, const struct settings *settings,
                             const struct identity_machine *machine, struct err *err)
{
    const struct {
        const char *source, *text;
    } told[] = {
        {"--namespace",                     settings->namespace_name },
        {"POD_NAMESPACE",                   settings->pod_namespace  },
        {"the service account's namespace", machine->token_namespace },
        {"the namespace in resolv.conf",    machine->search_namespace},
    };
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (told[i].text[0] != '\0')
            return take_label(identity->namespace_name, told[i].source, told[i].text, err);
    return true;
}

static bool derive_cluster_id(struct identity *identity, const char *told, struct err *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "._:/@+-";
    if (told[0] == '\0') {
        if (identity->namespace_name[0] != '\0' && identity->statefulset[0] != '\0') {
            (void)snprintf(identity->cluster_id, sizeof identity->cluster_id, "%s/%s",
                           identity->namespace_name, identity->statefulset);
        }
        return true;
    }
    size_t len = strlen(told);
    if (len >= IDENTITY_NAME_MAX || strspn(told, allowed) != len) {
        return err_set(err, ERR_CONFIG,
                       "--cluster-id '%.80s' must be at most 253 letters, digits and ._:/@+-",
                       told);
    }
    return copy(identity->cluster_id, told, len);
}

static bool check_needs(const struct identity *identity, bool need_pod, bool need_service,
                        struct err *err)
{
    if ((need_pod || need_service) && identity->statefulset[0] == '\0') {
        return err_set(err, ERR_CONFIG,
                       "the StatefulSet's name is not known: set %sORDAIN_STATEFULSET",
                       need_pod ? "POD_NAME (downward API, metadata.name) or " : "");
    }
    if (strlen(identity->pod_name) > 63) {
        return err_set(err, ERR_CONFIG, "the pod name '%s' is longer than 63 bytes",
                       identity->pod_name);
    }
    if (!need_service)
        return true;
    if (identity->service[0] == '\0') {
        return err_set(err, ERR_CONFIG,
                       "--service (ORDAIN_SERVICE) is not set: the headless Service that the "
                       "StatefulSet's .spec.serviceName names");
    }
    if (identity->namespace_name[0] == '\0') {
        return err_set(err, ERR_CONFIG,
                       "the namespace is not known: set POD_NAMESPACE (downward API, "
                       "metadata.namespace) or --namespace");
    }
    size_t longest = strlen(identity->statefulset) + strlen(identity->service) +
                     strlen(identity->namespace_name) + strlen(identity->domain) + ORDINAL_DIGITS +
                     strlen("-...svc..");
    if (longest >= IDENTITY_NAME_MAX) {
        return err_set(err, ERR_CONFIG, "the peers' names under '%s.%s.svc.%s' exceed 253 bytes",
                       identity->service, identity->namespace_name, identity->domain);
    }
    return true;
}

bool identity_derive(struct identity *identity, const struct settings *settings,
                     const struct identity_machine *machine, bool need_pod, bool need_service,
                     struct err *err)
{
    struct identity made = {.ordinal = -1, .ordinal_start = settings->ordinal_start};
    if (!take_label(made.statefulset, "--statefulset", settings->statefulset, err) ||
        !take_label(made.service, "--service", settings->service, err) ||
        !derive_ordinal(&made, settings, machine, need_pod, err) ||
        !derive_namespace(&made, settings, machine, err) ||
        !derive_domain(&made, settings, machine->search_domain, err) ||
        !derive_cluster_id(&made, settings->cluster_id, err) || !derive_ip(&made, settings, err))
        return false;
    if (made.ordinal >= 0 && made.statefulset[0] != '\0')
        identity_pod_name(&made, made.ordinal, made.pod_name);
    if (!check_needs(&made, need_pod, need_service, err))
        return false;
    *identity = made;
    return true;
}
