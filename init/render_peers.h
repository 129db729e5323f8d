#ifndef INIT_RENDER_PEERS_H
#define INIT_RENDER_PEERS_H

#include "init/identity.h"
#include "init/redis/birth_spec.h"
#include "init/render.h"

/* The pods of the birth as render_facts wants them; addresses are not known until they are set. */
struct render_peers {
    struct render_peer *peer; /* count of them, by ordinal */
    size_t count;
    struct render_peer_text *text; /* what peer points into */
};

/* Fails for want of memory only. Close it in any case. */
bool render_peers_open(struct render_peers *peers, const struct birth_spec *spec,
                       const struct identity *identity, struct err *err);
/* INDEX counts from 0; the address is copied. */
void render_peers_set_ip(struct render_peers *peers, size_t index, const struct addr *ip);
void render_peers_close(struct render_peers *peers);

#endif
