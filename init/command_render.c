#include <stdio.h>
#include <stdlib.h>

#include "init/command.h"
#include "init/identity.h"
#include "init/redis/birth_spec.h"
#include "init/render.h"

/* What a struct render_peer points into. */
struct peer_text {
    char pod_name[IDENTITY_NAME_MAX];
    char host_name[IDENTITY_NAME_MAX];
    char zone[BIRTH_ZONE_MAX];
};

static const char *birth_role(const struct birth_spec *spec, int ordinal)
{
    return birth_spec_is_master(spec, ordinal) ? "master" : "replica";
}

/* The pods at birth. No name is resolved: this pod's address alone is known. */
static void describe_peers(struct render_peer *peers, struct peer_text *texts,
                           const struct birth_spec *spec, const struct identity *identity)
{
    for (int i = 0; i < spec->replicas; i++) {
        int ordinal = spec->start + i;

        identity_pod_name(identity, ordinal, texts[i].pod_name);
        identity_host_name(identity, ordinal, texts[i].host_name);
        birth_spec_zone(spec, ordinal, texts[i].zone);
        peers[i] = (struct render_peer){
            .ordinal = ordinal,
            .pod_name = texts[i].pod_name,
            .host_name = texts[i].host_name,
            .ip = ordinal == identity->ordinal ? identity->pod_ip.text : "",
            .role = birth_role(spec, ordinal),
            .zone = texts[i].zone,
        };
    }
}

static bool render(const struct invocation *inv, size_t *changed, struct err *err)
{
    const struct settings *settings = inv->settings;
    struct render_peer *peers = NULL;
    struct peer_text *texts = NULL;
    char zone[BIRTH_ZONE_MAX];
    struct identity identity;
    struct birth_spec spec;
    bool ok = false;

    if (!identity_read(&identity, settings, true, true, err) ||
        !birth_spec_read(&spec, settings, &identity, err))
        return false;
    peers = calloc((size_t)spec.replicas, sizeof *peers);
    texts = calloc((size_t)spec.replicas, sizeof *texts);
    if (peers == NULL || texts == NULL) {
        err_set(err, ERR_IO, "out of memory for the peers' names");
    } else {
        struct render_facts facts = {.identity = &identity,
                                     .settings = settings,
                                     .engine = inv->engine,
                                     .role = birth_role(&spec, identity.ordinal),
                                     .zone = zone,
                                     .peers = peers,
                                     .peer_count = (size_t)spec.replicas};

        birth_spec_zone(&spec, identity.ordinal, zone);
        describe_peers(peers, texts, &spec, &identity);
        ok = render_config(&facts, settings->check, changed, err);
    }
    free(peers);
    free(texts);
    return ok;
}

bool command_render(const struct invocation *inv, int *status, struct err *err)
{
    const char *dir = inv->settings->config_dir;
    size_t changed;

    if (inv->argc > 0)
        return err_set(err, ERR_USAGE, "render takes no operand, but there is '%s'", inv->argv[0]);
    if (!render(inv, &changed, err))
        return false;
    if (inv->settings->check) {
        printf("%zu files in %s would change\n", changed, dir);
        *status = changed > 0 ? 1 : 0;
    } else {
        printf("%zu files written in %s\n", changed, dir);
    }
    return true;
}
