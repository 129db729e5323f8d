#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* What both engines' births have in common. */
struct birth {
    int start, replicas;
    const struct birth_spec *redis; /* NULL for Postgres */
};

static const char *birth_role(const struct birth *birth, int ordinal)
{
    if (birth->redis == NULL)
        return ordinal == birth->start ? "primary" : "standby";
    const struct birth_spec *spec = birth->redis;
    return birth_spec_is_master(spec, ordinal) ? "master" : "replica";
}

/* The pods at birth. No name is resolved: this pod's address alone is known. */
static void describe_peers(struct render_peer *peers, struct peer_text *texts,
                           const struct birth *birth, const struct identity *identity)
{
    for (int i = 0; i < birth->replicas; i++) {
        int ordinal = birth->start + i;

        identity_pod_name(identity, ordinal, texts[i].pod_name);
        identity_host_name(identity, ordinal, texts[i].host_name);
        texts[i].zone[0] = '\0';
        if (birth->redis != NULL)
            birth_spec_zone(birth->redis, ordinal, texts[i].zone);
        peers[i] = (struct render_peer){
            .ordinal = ordinal,
            .pod_name = texts[i].pod_name,
            .host_name = texts[i].host_name,
            .ip = ordinal == identity->ordinal ? identity->pod_ip.text : "",
            .role = birth_role(birth, ordinal),
            .zone = texts[i].zone,
        };
    }
}

/* As at birth: the others follow the first ordinal. */
static bool render_as(const struct invocation *inv, const struct identity *identity,
                      const struct birth *birth, size_t *changed, struct err *err)
{
    struct render_peer *peers = calloc((size_t)birth->replicas, sizeof *peers);
    struct peer_text *texts = calloc((size_t)birth->replicas, sizeof *texts);
    char zone[BIRTH_ZONE_MAX] = "";
    bool ok = peers != NULL && texts != NULL;

    if (birth->redis != NULL)
        birth_spec_zone(birth->redis, identity->ordinal, zone);
    struct render_postgres postgres = {.primary = birth->start, .ordain_path = "ordain"};
    struct render_facts facts = {.identity = identity,
                                 .settings = inv->settings,
                                 .engine = inv->engine,
                                 .role = birth_role(birth, identity->ordinal),
                                 .zone = zone,
                                 .peers = peers,
                                 .peer_count = (size_t)birth->replicas,
                                 .postgres = birth->redis == NULL ? &postgres : NULL};
    if (ok) {
        describe_peers(peers, texts, birth, identity);
        ok = render_config(&facts, inv->settings->check, changed, err);
    } else {
        err_set(err, ERR_IO, "out of memory for the peers' names");
    }
    free(peers);
    free(texts);
    return ok;
}

static bool render(const struct invocation *inv, size_t *changed, struct err *err)
{
    const struct settings *settings = inv->settings;
    struct identity identity;
    struct birth_spec spec;
    bool redis = strcmp(inv->engine, "redis") == 0;

    if (!identity_read(&identity, settings, true, true, err) ||
        (redis && !birth_spec_read(&spec, settings, &identity, err)))
        return false;
    if (settings->replicas == 0)
        return err_set(err, ERR_CONFIG,
                       "--replicas (ORDAIN_REPLICAS) is not set: the number of "
                       "pods at birth");
    struct birth birth = {identity.ordinal_start, settings->replicas, redis ? &spec : NULL};
    return render_as(inv, &identity, &birth, changed, err);
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
