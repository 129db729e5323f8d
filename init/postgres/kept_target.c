#include "init/postgres/kept_target.h"

#include <stdlib.h>
#include <string.h>

bool kept_target_init(struct kept_target *kept, const struct pg_target *target)
{
    struct pg_target *own = &kept->target;
    *kept = (struct kept_target){.target = *target};
    const char **texts[] = {&own->host,     &own->socket_dir,       &own->user,    &own->password,
                            &own->database, &own->sslmode,          &own->ssl_ca,  &own->ssl_cert,
                            &own->ssl_key,  &own->application_name, &own->pod_name};
    enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };
    size_t lens[TEXTS];
    for (size_t i = 0; i < TEXTS; i++) {
        lens[i] = *texts[i] != NULL ? strlen(*texts[i]) : 0;
        kept->texts_len += lens[i] + 1;
    }
    char *at = kept->texts = calloc(1, kept->texts_len);
    if (at == NULL)
        return false;
    for (size_t i = 0; i < TEXTS; i++) {
        if (lens[i] > 0)
            memcpy(at, *texts[i], lens[i]);
        *texts[i] = at;
        at += lens[i] + 1;
    }
    return true;
}

void kept_target_free(struct kept_target *kept)
{
    if (kept->texts != NULL)
        explicit_bzero(kept->texts, kept->texts_len);
    free(kept->texts);
    *kept = (struct kept_target){0};
}
