#include "init/redis/start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/redis/observe.h"
#include "init/redis/start_internal.h"
#include "init/render.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"

/* A server that was told to stop may still hold the volume for a moment. */
#define SERVER_STOP_MS 10000
#define SERVER_LOOK_MS 200
#define MASTERS_LOOK_MS 300

/* --- facts --- */

static enum start_file file_fact(const struct volume_table *nodes)
{
    if (!nodes->there)
        return START_FILE_ABSENT;
    bool whole = nodes->status == REDIS_TABLE_OK || nodes->status == REDIS_TABLE_SHARD_IDS;
    return whole ? START_FILE_WHOLE : START_FILE_TORN;
}

static bool names_other_pod(const struct start *start, const struct redis_table *table)
{
    if (table->myself < 0)
        return false;
    int ordinal = identity_ordinal_of(&start->identity, table->nodes[table->myself].hostname);
    return ordinal >= 0 && ordinal != start->identity.ordinal;
}

/* The volume of another pod of this cluster: two servers of one id would both take its writes. */
static bool is_other_pods(const struct start *start)
{
    bool one_self =
        start->volume.nodes.status != REDIS_TABLE_TWO_MYSELF; /* else a mend tells which */
    bool other = (one_self && names_other_pod(start, &start->volume.nodes.table)) ||
                 names_other_pod(start, &start->volume.copy.table);
    for (int i = 0; i < start->spec.replicas && start->volume.has_mark && !other; i++) {
        char id[REDIS_ID_LEN + 1];
        observe_birth_id(&start->identity, start->spec.start + i, id);
        other = start->spec.start + i != start->identity.ordinal &&
                strcmp(id, start->volume.mark.id) == 0;
    }
    return other;
}

static enum start_mark mark_fact(const struct start *start)
{
    const struct volume *volume = &start->volume;
    if (volume->has_mark && strcmp(volume->mark.cluster_id, start->identity.cluster_id) != 0)
        return START_MARK_OTHER_CLUSTER;
    if (is_other_pods(start))
        return START_MARK_OTHER_POD;
    if (!volume->has_mark)
        return START_MARK_ABSENT;
    if (strcmp(volume->mark.spec, start->spec.digest) != 0)
        return START_MARK_OTHER_SPEC;
    /* Half of a lost pod's new start is no birth that could be finished. */
    bool of_birth = strcmp(volume->mark.id, start->birth_id) == 0;
    return volume->mark.born || !of_birth ? START_MARK_BORN : START_MARK_SEEDING;
}

static bool id_fact(const struct start *start)
{
    const struct redis_table *table = &start->volume.nodes.table;
    if (start->facts.file != START_FILE_WHOLE || table->myself < 0)
        return false;
    const char *id = table->nodes[table->myself].id;
    bool marked = start->volume.has_mark && strcmp(id, start->volume.mark.id) == 0;
    return marked || strcmp(id, start->birth_id) == 0;
}

static void read_local_facts(struct start *start)
{
    struct start_facts *facts = &start->facts;
    facts->server_lives = start->volume.server_lives;
    facts->mark = mark_fact(start);
    facts->file = file_fact(&start->volume.nodes);
    facts->id_is_ours = id_fact(start);
    facts->has_keys = start->volume.has_keys;
    facts->beyond_birth = birth_spec_index(&start->spec, start->identity.ordinal) < 0;
    facts->birth_is_new = start->settings->birth == BIRTH_NEW;
    facts->adopt = start->settings->adopt;
    facts->mendable = facts->file != START_FILE_WHOLE && start_is_mendable(start);
    /* A mark of another id than the birth's was made when the volume had been lost. */
    if (start->volume.has_mark && strcmp(start->volume.mark.id, start->birth_id) != 0)
        facts->heard = START_HEARD_YES;
}

/* Opens the volume once no server holds it, for as long as a stopping one may take. */
static bool open_volume(struct start *start, bool dry, struct err *err)
{
    int64_t until_ns = clock_part_ns(start->deadline_ns, SERVER_STOP_MS);
    for (;;) {
        if (!volume_open(&start->volume, start->settings->data_dir, !dry, err))
            return false;
        memset(&start->facts, 0, sizeof(start->facts));
        read_local_facts(start);
        if (!start->facts.server_lives && !start_server_answers(start, err))
            return false;
        if (!start->facts.server_lives || dry)
            break;
        log_wait("the server that holds '%s' to stop", start->settings->data_dir);
        if (!clock_pause(SERVER_LOOK_MS, until_ns))
            break;
        volume_close(&start->volume);
    }
    log_wait_end();
    return true;
}

/* --- apply --- */

static bool write_mark(struct start *start, const char *id, bool born, size_t *changed,
                       struct err *err)
{
    struct birth_mark mark = {.born = born};
    (void)snprintf(mark.cluster_id, sizeof(mark.cluster_id), "%s", start->identity.cluster_id);
    memcpy(mark.spec, start->spec.digest, sizeof(mark.spec));
    (void)snprintf(mark.id, sizeof(mark.id), "%s", id);
    if (start->volume.has_mark && strcmp(start->volume.mark.id, id) == 0)
        memcpy(mark.synced, start->volume.mark.synced, sizeof(mark.synced));
    return volume_write_mark(&start->volume, &mark, changed, err);
}

static bool apply(struct start *start, const struct start_table *made, struct register_store *store,
                  bool final, struct start_result *result, struct err *err)
{
    enum start_action action = result->decision.action;
    bool birth = action == START_SEED || action == START_SINGLE;
    bool fresh = birth || action == START_LOST;
    const struct redis_table *table = &made->table;
    const char *id = table->nodes[table->myself].id;
    bool born = start->volume.has_mark ? start->volume.mark.born : !birth;
    size_t *changed = &result->changed;
    if (fresh && !write_mark(start, id, !birth, changed, err))
        return false;
    if (birth && !start_record_birth(start, store, err))
        return false;
    if (!birth && start->facts.seeded == START_REGISTER_UNSEEDED)
        start_record_life(start, store, id);
    if (!birth && start->facts.seeded == START_REGISTER_SEEDED)
        start_record_node(start, store, id);
    if (made->mend.status != MEND_NOTHING || fresh) {
        if (!volume_write_nodes(&start->volume, table, changed, err))
            return false;
    }
    bool stale = fresh || redis_mend_role_changed(table, volume_whole_copy(&start->volume));
    if (stale && !volume_write_copy(&start->volume, table, changed, err))
        return false;
    return write_mark(start, id, final || (fresh ? !birth : born), changed, err);
}

static bool render(struct start *start, const struct redis_table *table, bool dry,
                   struct start_result *result, struct err *err)
{
    struct render_peer *peers = calloc(start->peer_count + 1, sizeof(*peers));
    char(*texts)[2][IDENTITY_NAME_MAX] = calloc(start->peer_count + 1, sizeof(*texts));
    if (peers == NULL || texts == NULL) {
        free(peers);
        free(texts);
        return err_set(err, ERR_IO, "out of memory for the configuration");
    }
    for (size_t i = 0; i < start->peer_count; i++) {
        const struct start_peer *peer = &start->peers[i];
        int row = redis_table_find(table, peer->id);
        bool replica = row >= 0 ? (table->nodes[row].flags & REDIS_REPLICA) != 0
                                : !birth_spec_is_master(&start->spec, peer->ordinal);
        identity_pod_name(&start->identity, peer->ordinal, texts[i][0]);
        birth_spec_zone(&start->spec, peer->ordinal, texts[i][1]);
        peers[i] = (struct render_peer){
            peer->ordinal, texts[i][0], peer->host_name, peer->ip, replica ? "replica" : "master",
            texts[i][1]};
    }
    char zone[BIRTH_ZONE_MAX];
    birth_spec_zone(&start->spec, start->identity.ordinal, zone);
    struct render_facts facts = {
        .identity = &start->identity,
        .settings = start->settings,
        .engine = "redis",
        .role = result->role,
        .zone = *start->settings->zone != '\0' ? start->settings->zone : zone,
        .peers = peers,
        .peer_count = start->peer_count,
    };
    size_t rendered = 0;
    bool done = render_config(&facts, dry, &rendered, err);
    result->changed += rendered;
    free(peers);
    free(texts);
    return done;
}

/* --- the flow: look, decide, apply --- */

static const char *role_of(const struct start *start, const struct start_table *made,
                           enum start_action action)
{
    bool one_row = action == START_LOST || (action == START_SINGLE && start->facts.beyond_birth);
    const struct redis_node *self = &made->table.nodes[made->table.myself];
    return one_row || (self->flags & REDIS_REPLICA) != 0 ? "replica" : "master";
}

static bool is_settled(const struct start *start, struct start_decision *decision)
{
    *decision = redis_start_decide(&start->facts);
    return redis_start_is_local(&start->facts) &&
           (decision->action == START_REFUSE || decision->action == START_WAIT);
}

/* My own row comes from a copy that says replica: the masters know better, once they answer. Under
 * OrderedReady whoever can answer is there already. */
static bool ask_masters(struct start *start, struct err *err)
{
    const struct redis_table *copy = volume_whole_copy(&start->volume);
    uint64_t epoch;
    bool ordered = start->settings->pod_management == POD_MANAGEMENT_ORDERED;
    int64_t until_ns = clock_part_ns(start->deadline_ns, start->settings->peer_wait_ms);
    if (copy == NULL || !start->own_row_is_copy || *copy->nodes[copy->myself].master_id == '\0')
        return true;
    while (!ordered && start_called_owner(start, &epoch) == MEND_UNKNOWN &&
           clock_pause(MASTERS_LOOK_MS, until_ns)) {
        log_wait("a majority of masters to say whether this torn node owns slots");
        start_free_peers(start);
        if (!start_find_peers(start, err))
            return false;
    }
    log_wait_end();
    return true;
}

static bool say(const struct start_result *result, struct err *err)
{
    enum start_action action = result->decision.action;
    if (action == START_REFUSE)
        return err_set(err, ERR_REFUSED, "%s", result->decision.sentence);
    if (action == START_WAIT)
        return err_set(err, ERR_LATER, "%s", result->decision.sentence);
    return true;
}

static void tell_torn(const struct volume_table *nodes)
{
    char problem[96];
    volume_table_problem(nodes, problem);
    if (nodes->there && nodes->status != REDIS_TABLE_OK)
        log_warn("nodes.conf is torn, %s", problem);
}

static bool decide_and_apply(struct start *start, struct register_store *store, bool dry,
                             bool final, struct start_result *result, struct err *err)
{
    struct start_table made = {0};
    if (!dry)
        tell_torn(&start->volume.nodes);
    bool network = !is_settled(start, &result->decision);
    if (network &&
        (!start_read_register(start, store, err) || !start_find_peers(start, err) ||
         (!dry && !ask_masters(start, err)) || (final && !start_await_master(start, err))))
        return false;
    result->decision = redis_start_decide(&start->facts);
    enum start_action action = result->decision.action;
    if (action == START_LOST && !dry && !start_await_followers(start, err))
        return false;
    bool go = action != START_REFUSE && action != START_WAIT;
    bool done = true;
    if (go) {
        done = start_make_table(start, action, &made, err);
        if (done)
            result->role = role_of(start, &made, action);
        if (action == START_RESTART && start->facts.birth_is_new &&
            start->facts.seeded == START_REGISTER_NONE)
            log_warn("ORDAIN_BIRTH=new is still set, and this cluster was born: take it away, lest "
                     "a lost volume be taken for a first install");
        if (done && !dry) {
            log_info("%s: %s", redis_start_action_name(action), result->decision.sentence);
            done = apply(start, &made, store, final, result, err);
        }
        done = done && render(start, &made.table, dry, result, err);
        bool kept = made.table.count > 0 && made.mend.status == MEND_NOTHING &&
                    action != START_SEED && action != START_SINGLE && action != START_LOST;
        result->work = !kept || result->changed > 0;
    }
    if (done && dry)
        start_report(start, &made, result, &result->report);
    done = done && say(result, err);
    start_free_table(&made);
    return done;
}

bool start_redis(const struct settings *settings, bool dry, bool final, int64_t deadline_ns,
                 struct start_result *result, struct err *err)
{
    struct start *start = calloc(1, sizeof(*start)); /* two tables of slots: not for the stack */
    struct register_store *store = NULL;
    memset(result, 0, sizeof(*result));
    result->report = buf_new((size_t)1 << 20);
    if (start == NULL)
        return err_set(err, ERR_IO, "out of memory");
    start->settings = settings;
    start->deadline_ns = deadline_ns;
    start->volume.lock = -1;
    start->volume.own_lock = -1;
    bool done = identity_read(&start->identity, settings, true, true, err) &&
                birth_spec_read(&start->spec, settings, &start->identity, err);
    if (done && start->identity.pod_ip.family == ADDR_NONE)
        done = err_set(err, ERR_CONFIG,
                       "POD_IP is not set: give it by the downward API from status.podIP");
    if (done)
        observe_birth_id(&start->identity, start->identity.ordinal, start->birth_id);
    done = done &&
           register_open(&store, settings->register_name, start->identity.statefulset,
                         start->identity.namespace_name, start->identity.cluster_id, err) &&
           open_volume(start, dry, err) && decide_and_apply(start, store, dry, final, result, err);
    register_close(store);
    if (done && final)
        volume_leave_lock(&start->volume);
    volume_close(&start->volume);
    start_free_peers(start);
    free(start);
    return done;
}
