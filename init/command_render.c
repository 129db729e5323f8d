#include <stdio.h>

#include "init/command.h"
#include "init/identity.h"
#include "init/redis/birth_spec.h"
#include "init/render.h"
#include "init/render_peers.h"

static bool render(const struct invocation *inv, size_t *changed, struct err *err)
{
    const struct settings *settings = inv->settings;
    struct render_facts facts = {.settings = settings, .engine = inv->engine};
    char zone[BIRTH_ZONE_MAX];
    struct identity identity;
    struct birth_spec spec;
    struct render_peers peers;
    bool ok;

    if (!identity_read(&identity, settings, true, true, err) ||
        !birth_spec_read(&spec, settings, &identity, err))
        return false;
    birth_spec_zone(&spec, identity.ordinal, zone);
    ok = render_peers_open(&peers, &spec, &identity, err);
    if (ok) {
        int self = birth_spec_index(&spec, identity.ordinal);

        if (self >= 0)
            render_peers_set_ip(&peers, (size_t)self, &identity.pod_ip);
        facts.identity = &identity;
        facts.role = birth_spec_is_master(&spec, identity.ordinal) ? "master" : "replica";
        facts.zone = zone;
        facts.peers = peers.peer;
        facts.peer_count = peers.count;
        ok = render_config(&facts, settings->check, changed, err);
    }
    render_peers_close(&peers);
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
