#include "init/register/kube_access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init/net/addr.h"
#include "init/sys/file.h"
#include "roles/text.h"

#define ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"
#define HOST_MAX 253

bool kube_access_is_mounted(void)
{
    return access(ACCOUNT "/token", F_OK) == 0;
}

static bool is_host_name(const char *host)
{
    size_t len = strlen(host);
    size_t good = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.");
    return len > 0 && len <= HOST_MAX && good == len;
}

static bool is_port(const char *port)
{
    uint64_t number;
    return text_u64((struct span){port, strlen(port)}, &number) && number > 0 && number <= 65535;
}

bool kube_access_open(struct kube_access *access, struct err *err)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST");
    const char *port = getenv("KUBERNETES_SERVICE_PORT");
    struct addr literal;
    if (host == NULL || *host == '\0') {
        return err_set(err, ERR_CONFIG,
                       "KUBERNETES_SERVICE_HOST is not set, as it is in every container of a pod: "
                       "the Kubernetes register needs it, or set ORDAIN_REGISTER");
    }
    if (port == NULL || *port == '\0')
        port = "443";
    bool is_literal = addr_parse(&literal, host);
    if (!is_port(port) || (!is_literal && !is_host_name(host))) {
        return err_set(err, ERR_CONFIG,
                       "KUBERNETES_SERVICE_HOST '%.60s' and KUBERNETES_SERVICE_PORT '%.60s' are no "
                       "host and port",
                       host, port);
    }
    bool in_brackets = is_literal && literal.family == ADDR_IPV6;
    (void)snprintf(access->server, sizeof access->server, in_brackets ? "[%s]:%s" : "%s:%s",
                   is_literal ? literal.text : host, port);
    return true;
}

/* RFC 6750, 2.1; more visible characters do no harm. */
static bool is_token(const struct buf *token)
{
    for (size_t i = 0; i < token->len; i++)
        if (token->data[i] <= ' ' || token->data[i] > '~')
            return false;
    return true;
}

bool kube_access_read(struct buf *token, struct buf *ca_pem, struct err *err)
{
    if (!file_read_secret(ACCOUNT "/token", token, err) ||
        !file_read(ACCOUNT "/ca.crt", ca_pem, NULL, err)) {
        return err_wrap(err, "the Kubernetes register needs the service account's token "
                             "(automountServiceAccountToken: true)");
    }
    if (!is_token(token))
        return err_set(err, ERR_CONFIG, "the file '" ACCOUNT "/token' holds no bearer token");
    if (strlen(buf_text(ca_pem)) != ca_pem->len || ca_pem->len == 0)
        return err_set(err, ERR_CONFIG, "the file '" ACCOUNT "/ca.crt' holds no certificates");
    return true;
}

void kube_access_forget(struct buf *token)
{
    if (token->data != NULL)
        explicit_bzero(token->data, token->size);
    buf_free(token);
}
