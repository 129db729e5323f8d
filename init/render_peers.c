#include "init/render_peers.h"

#include <assert.h>
#include <stdlib.h>

struct render_peer_text {
    char pod_name[IDENTITY_NAME_MAX];
    char host_name[IDENTITY_NAME_MAX];
    char zone[BIRTH_ZONE_MAX];
    struct addr ip;
};

bool render_peers_open(struct render_peers *peers, const struct birth_spec *spec,
                       const struct identity *identity, struct err *err)
{
    size_t count = (size_t)spec->replicas;

    *peers = (struct render_peers){.peer = calloc(count, sizeof *peers->peer),
                                   .text = calloc(count, sizeof *peers->text)};
    if (peers->peer == NULL || peers->text == NULL)
        return err_set(err, ERR_IO, "peers: out of memory");
    peers->count = count;
    for (size_t i = 0; i < count; i++) {
        struct render_peer_text *text = &peers->text[i];
        int ordinal = spec->start + (int)i;

        identity_pod_name(identity, ordinal, text->pod_name);
        identity_host_name(identity, ordinal, text->host_name);
        birth_spec_zone(spec, ordinal, text->zone);
        peers->peer[i] = (struct render_peer){
            .ordinal = ordinal,
            .pod_name = text->pod_name,
            .host_name = text->host_name,
            .ip = text->ip.text,
            .role = birth_spec_is_master(spec, ordinal) ? "master" : "replica",
            .zone = text->zone,
        };
    }
    return true;
}

void render_peers_set_ip(struct render_peers *peers, size_t index, const struct addr *ip)
{
    assert(index < peers->count);
    peers->text[index].ip = *ip;
}

void render_peers_close(struct render_peers *peers)
{
    free(peers->peer);
    free(peers->text);
    *peers = (struct render_peers){0};
}
