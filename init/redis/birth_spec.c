#include "init/redis/birth_spec.h"

#include <string.h>

#include "init/sys/buf.h"
#include "init/sys/digest.h"
#include "roles/ordinal.h"
#include "roles/text.h"

/* Room for as many pods again beyond the birth. */
#define START_MAX (ORDINAL_MAX - 2 * PLACEMENT_PODS_MAX)
#define MASTERS_MIN 3
#define DIGEST_TEXT_MAX 16384

/* The next of comma separated entries, blanks around it left out; false behind the last one. *rest
 * is NULL then. */
static bool next_entry(const char **rest, struct span *entry)
{
    if (*rest == NULL)
        return false;
    entry->data = *rest;
    entry->len = strcspn(entry->data, ",");
    *rest = entry->data[entry->len] == ',' ? entry->data + entry->len + 1 : NULL;
    while (entry->len > 0 && *entry->data == ' ') {
        entry->data++;
        entry->len--;
    }
    while (entry->len > 0 && entry->data[entry->len - 1] == ' ')
        entry->len--;
    return true;
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A label value of Kubernetes (kubernetes.io, "Labels and Selectors", syntax). */
static bool is_zone(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool inner = (c == '-' || c == '_' || c == '.') && i > 0 && i + 1 < name.len;
        if (!is_alphanumeric(c) && !inner)
            return false;
    }
    return name.len < BIRTH_ZONE_MAX;
}

static bool read_zones(struct birth_spec *spec, struct err *err)
{
    struct span known[PLACEMENT_ZONES_MAX];
    struct span entry;
    const char *rest = spec->zones[0] != '\0' ? spec->zones : NULL;
    int count = 0;
    spec->zone_count = 0;
    for (int i = 0; i < spec->replicas; i++)
        spec->zone_of[i] = -1;
    for (; next_entry(&rest, &entry); count++) {
        if (!is_zone(entry)) {
            return err_set(err, ERR_CONFIG, "--zones: '%.*s' is no zone's name", (int)entry.len,
                           entry.data);
        }
        if (count >= spec->replicas || entry.len == 0)
            continue;
        int zone = 0;
        while (zone < spec->zone_count && !(known[zone].len == entry.len &&
                                            memcmp(known[zone].data, entry.data, entry.len) == 0))
            zone++;
        if (zone == spec->zone_count && zone == PLACEMENT_ZONES_MAX) {
            return err_set(err, ERR_CONFIG, "--zones tells more than %d different zones",
                           PLACEMENT_ZONES_MAX);
        }
        if (zone == spec->zone_count)
            known[spec->zone_count++] = entry;
        spec->zone_of[count] = zone;
    }
    return count == 0 || count == spec->replicas ||
           err_set(err, ERR_CONFIG,
                   "--zones tells %d zones for %d pods: it must tell one for each of --replicas",
                   count, spec->replicas);
}

static bool read_numbers(struct birth_spec *spec, const struct settings *settings,
                         const struct identity *identity, struct err *err)
{
    int replicas = settings->replicas;
    int half = replicas / 2;
    spec->replicas = replicas;
    spec->start = identity->ordinal_start;
    spec->masters = settings->redis.masters;
    if (spec->masters == 0)
        spec->masters = half > MASTERS_MIN ? half : MASTERS_MIN;
    if (replicas == 0) {
        return err_set(err, ERR_CONFIG,
                       "--replicas (ORDAIN_REPLICAS) is not set: the number of pods at birth");
    }
    if (replicas < MASTERS_MIN || replicas > PLACEMENT_PODS_MAX) {
        return err_set(err, ERR_CONFIG, "--replicas %d: a Redis Cluster is born with %d to %d pods",
                       replicas, MASTERS_MIN, PLACEMENT_PODS_MAX);
    }
    if (spec->masters < MASTERS_MIN) {
        return err_set(err, ERR_CONFIG,
                       "--masters %d: a Redis Cluster needs at least %d for a majority",
                       spec->masters, MASTERS_MIN);
    }
    if (spec->masters > replicas) {
        return err_set(err, ERR_CONFIG, "--masters %d are more than the %d pods of --replicas",
                       spec->masters, replicas);
    }
    if (spec->start > START_MAX) {
        return err_set(err, ERR_CONFIG, "--ordinal-start %d: at most %d is possible", spec->start,
                       START_MAX);
    }
    return true;
}

static bool make_digest(struct birth_spec *spec, const char *cluster_id, struct err *err)
{
    struct buf text = buf_new(DIGEST_TEXT_MAX);
    buf_printf(&text, "birth-spec 1\ncluster-id %s\nreplicas %d\nmasters %d\nstart %d\nzones",
               cluster_id, spec->replicas, spec->masters, spec->start);
    for (int i = 0; spec->zone_count > 0 && i < spec->replicas; i++)
        buf_printf(&text, " %d", spec->zone_of[i]);
    buf_add_text(&text, "\n");
    bool good = buf_ok(&text) || err_set(err, ERR_IO, "out of memory for the birth spec");
    if (good)
        digest_sha256_hex(buf_text(&text), text.len, spec->digest);
    buf_free(&text);
    return good;
}

bool birth_spec_read(struct birth_spec *spec, const struct settings *settings,
                     const struct identity *identity, struct err *err)
{
    spec->zones = settings->zones;
    if (!read_numbers(spec, settings, identity, err) || !read_zones(spec, err))
        return false;
    const int *zones = spec->zone_count > 0 ? spec->zone_of : NULL;
    if (!placement_deal(spec->replicas, spec->masters, zones, spec->master_of)) {
        return err_set(err, ERR_BUG, "%d pods with %d masters cannot be dealt", spec->replicas,
                       spec->masters);
    }
    return make_digest(spec, identity->cluster_id, err);
}

int birth_spec_index(const struct birth_spec *spec, int ordinal)
{
    bool born = ordinal >= spec->start && ordinal - spec->start < spec->replicas;
    return born ? ordinal - spec->start : -1;
}

bool birth_spec_is_master(const struct birth_spec *spec, int ordinal)
{
    int index = birth_spec_index(spec, ordinal);
    return index >= 0 && spec->master_of[index] == index;
}

void birth_spec_zone(const struct birth_spec *spec, int ordinal, char name[static BIRTH_ZONE_MAX])
{
    struct span entry = {"", 0};
    const char *rest = spec->zones;
    int index = birth_spec_index(spec, ordinal);
    for (int i = 0; i <= index && next_entry(&rest, &entry); i++) {
    }
    if (index < 0 || entry.len >= BIRTH_ZONE_MAX)
        entry.len = 0;
    memcpy(name, entry.data, entry.len);
    name[entry.len] = '\0';
}
