#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "init/identity.h"
#include "init/net/dns.h"
#include "init/sys/buf.h"
#include "init/sys/file.h"

#define TOKEN_NAMESPACE "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

/* kubelet's first line of a hostNetwork pod's /etc/hosts: kubernetes 1.30,
 * pkg/kubelet/kubelet_pods.go, managedHostsHeaderWithHostNetwork. */
#define HOST_NETWORK_LINE "# Kubernetes-managed hosts file (host network)."

static bool on_host_network(void)
{
    char line[128] = "";
    FILE *hosts = fopen("/etc/hosts", "re");
    if (hosts == NULL)
        return false;
    bool marked = fgets(line, sizeof line, hosts) != NULL &&
                  strncmp(line, HOST_NETWORK_LINE, strlen(HOST_NETWORK_LINE)) == 0;
    (void)fclose(hosts);
    return marked;
}

static void read_token_namespace(char name[static IDENTITY_NAME_MAX])
{
    struct buf text = buf_new(4096);
    enum file_presence presence = FILE_ABSENT;
    struct err ignored;
    name[0] = '\0';
    if (file_read(TOKEN_NAMESPACE, &text, &presence, &ignored) && presence == FILE_THERE) {
        (void)snprintf(name, IDENTITY_NAME_MAX, "%.*s", (int)strcspn(buf_text(&text), "\n"),
                       buf_text(&text));
    }
    buf_free(&text);
}

bool identity_read(struct identity *identity, const struct settings *settings, bool need_pod,
                   bool need_service, struct err *err)
{
    struct identity_machine machine = {.host_network = on_host_network()};
    if (gethostname(machine.host_name, sizeof machine.host_name - 1) != 0)
        machine.host_name[0] = '\0';
    read_token_namespace(machine.token_namespace);
    dns_search_domain(NULL, machine.search_namespace, machine.search_domain);
    return identity_derive(identity, settings, &machine, need_pod, need_service, err);
}
