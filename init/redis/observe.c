#include "init/redis/observe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/sys/clock.h"
#include "init/sys/digest.h"
#include "roles/text.h"

/* Nodes that one server may know, dead ones included. */
#define ROWS_MAX ((size_t)PLACEMENT_PODS_MAX * 2)
#define BEYOND 8 /* names asked for beyond the last pod known: scaled out since the birth */
#define VIEW_SIZE ((size_t)512 << 10)

/* The questions to each server, in this order. */
enum { ASK_MYID, ASK_NODES, ASK_INFO, ASK_CLUSTER_INFO, ASK_COUNT };

void observe_birth_id(const struct identity *identity, int ordinal,
                      char id[static REDIS_ID_LEN + 1])
{
    char pod[IDENTITY_NAME_MAX];
    identity_pod_name(identity, ordinal, pod);
    char text[sizeof(identity->cluster_id) + sizeof(pod) + 1];
    int len = snprintf(text, sizeof(text), "%s/%s", identity->cluster_id, pod);
    digest_sha1_hex(text, (size_t)len, id);
}

bool observer_open(struct observer *observer, const struct settings *settings, bool need_pod,
                   struct err *err)
{
    memset(observer, 0, sizeof(*observer));
    observer->settings = settings;
    if (!identity_read(&observer->identity, settings, need_pod, true, err) ||
        !birth_spec_read(&observer->spec, settings, &observer->identity, err))
        return false;
    enum addr_family family = observer->identity.pod_ip.family;
    observer->recorded = calloc((size_t)observer->spec.replicas, sizeof(*observer->recorded));
    if (observer->recorded == NULL)
        return err_set(err, ERR_IO, "out of memory");
    if (!redis_client_open(&observer->client, settings, err) ||
        !dns_open(&observer->dns, NULL, family, err)) {
        observer_close(observer);
        return false;
    }
    return true;
}

/* --- memory of one look --- */

static void forget_look(struct observer *observer)
{
    for (size_t i = 0; i < observer->member_count && observer->members != NULL; i++) {
        free(observer->members[i].table.nodes);
        free(observer->members[i].row_ordinal);
    }
    free(observer->members);
    redis_calls_free(observer->calls, observer->call_count);
    free(observer->calls);
    free(observer->picture.claims);
    free(observer->picture.nodes);
    observer->members = NULL;
    observer->calls = NULL;
    observer->call_count = 0;
    memset(&observer->picture, 0, sizeof(observer->picture));
}

void observer_close(struct observer *observer)
{
    forget_look(observer);
    free(observer->answers);
    free(observer->names);
    free(observer->recorded);
    free(observer->meets);
    redis_client_close(observer->client);
    dns_close(observer->dns);
    observer->answers = NULL;
    observer->names = NULL;
    observer->recorded = NULL;
    observer->meets = NULL;
    observer->meet_count = 0;
    observer->client = NULL;
    observer->dns = NULL;
}

/* --- names --- */

static bool make_room(struct observer *observer, size_t count)
{
    if (count <= observer->room)
        return true;
    void *answers = realloc(observer->answers, count * sizeof(*observer->answers));
    if (answers == NULL)
        return false;
    observer->answers = answers;
    void *names = realloc(observer->names, count * sizeof(*observer->names));
    if (names == NULL)
        return false;
    observer->names = names;
    memset(&observer->answers[observer->room], 0,
           (count - observer->room) * sizeof(*observer->answers));
    for (size_t i = observer->room; i < count; i++)
        identity_dns_name(&observer->identity, observer->spec.start + (int)i, observer->names[i]);
    observer->room = count;
    return true;
}

/* Asks for the names [0, COUNT); a failure means that no server answered: what was known stays. */
static bool ask_names(struct observer *observer, size_t count, bool fresh, int64_t deadline_ns)
{
    const char **names = calloc(count, sizeof(*names));
    struct dns_answer *answers = calloc(count, sizeof(*answers));
    bool done = names != NULL && answers != NULL;
    for (size_t i = 0; done && i < count; i++) {
        names[i] = observer->names[i];
        if (!fresh)
            answers[i] = observer->answers[i];
    }
    struct err silence;
    if (done) {
        observer->dns_broken =
            !dns_ask(observer->dns, names, answers, count, deadline_ns, &silence);
        for (size_t i = 0; i < count; i++) {
            /* Silence and failure take back nothing; only an answer does. */
            if (answers[i].outcome >= DNS_ABSENT || observer->answers[i].outcome < DNS_ABSENT)
                observer->answers[i] = answers[i];
        }
    }
    free(names);
    free(answers);
    return done;
}

/* Pods of the birth, and as far beyond as names go on. */
static bool find_pods(struct observer *observer, bool fresh, int64_t deadline_ns, size_t *count)
{
    size_t birth = (size_t)observer->spec.replicas;
    size_t asked = 0;
    size_t until = birth + BEYOND;
    *count = birth;
    observer->names_end = true;
    do {
        if (!make_room(observer, until) || !ask_names(observer, until, fresh, deadline_ns))
            return false;
        for (size_t i = asked; i < until; i++) {
            enum dns_outcome outcome = observer->answers[i].outcome;
            if (outcome == DNS_FOUND && i >= *count)
                *count = i + 1;
            bool sure = outcome >= DNS_ABSENT && !observer->dns_broken;
            observer->names_end = observer->names_end && (i < birth || sure);
        }
        asked = until;
        until = *count + BEYOND;
    } while (until > asked && until <= PLACEMENT_PODS_MAX);
    return true;
}

/* --- one round of questions --- */

int observer_server(struct observer *observer, size_t index)
{
    const struct cluster_member *member = &observer->members[index];
    struct addr addr;
    char host[IDENTITY_NAME_MAX];
    if (!addr_parse(&addr, member->ip))
        return -1;
    identity_host_name(&observer->identity, member->ordinal, host);
    return redis_client_server(observer->client, &addr, member->port, host);
}

/* Which of a name's addresses is the pod's: the first; a name that just moved may have two. */
static void add_questions(struct observer *observer)
{
    static const char *const questions[ASK_COUNT][2] = {
        [ASK_MYID] = {"CLUSTER", "MYID" },
        [ASK_NODES] = {"CLUSTER", "NODES"},
        [ASK_INFO] = {"INFO",    NULL   },
        [ASK_CLUSTER_INFO] = {"CLUSTER", "INFO" },
    };
    observer->call_count = 0;
    for (size_t i = 0; i < observer->member_count; i++) {
        int server =
            observer->members[i].contact == MEMBER_SILENT ? observer_server(observer, i) : -1;
        for (int ask = 0; server >= 0 && ask < ASK_COUNT; ask++) {
            int argc = questions[ask][1] != NULL ? 2 : 1;
            observer->calls[observer->call_count++] = redis_call_new(server, argc, questions[ask]);
        }
    }
}

static enum member_contact contact_of(const struct redis_call *call)
{
    switch (call->answer) {
    case REDIS_SILENT:
        return MEMBER_SILENT;
    case REDIS_NOBODY:
        return MEMBER_NOBODY;
    case REDIS_BROKEN:
    case REDIS_UNTRUSTED:
        return MEMBER_STRANGE;
    case REDIS_ERROR:
        if (redis_call_is_denied(call))
            return MEMBER_DENIED;
        return redis_call_is_error(call, "LOADING") || redis_call_is_error(call, "BUSY") ||
                       redis_call_is_error(call, "MASTERDOWN")
                   ? MEMBER_BUSY
                   : MEMBER_STRANGE;
    case REDIS_TEXT:
        return MEMBER_ANSWERED;
    case REDIS_NUMBER:
    case REDIS_OTHER:
        break;
    }
    return MEMBER_STRANGE;
}

/* For each row the pod that it stands for: by the id of a pod's birth, else by its host name. */
static void find_row_pods(const struct observer *observer, struct cluster_member *member)
{
    for (size_t r = 0; r < member->table.count; r++) {
        const struct redis_node *row = &member->table.nodes[r];
        member->row_ordinal[r] = identity_ordinal_of(&observer->identity, row->hostname);
        for (size_t i = 0; i < observer->member_count && member->row_ordinal[r] < 0; i++)
            if (strcmp(observer->members[i].expected_id, row->id) == 0)
                member->row_ordinal[r] = observer->members[i].ordinal;
    }
}

static bool take_table(const struct observer *observer, struct cluster_member *member,
                       const struct redis_call *nodes, char *view)
{
    size_t rows = text_lines((struct span){redis_call_text(nodes), nodes->len});
    rows = rows < ROWS_MAX ? rows : ROWS_MAX;
    member->table.nodes = calloc(rows, sizeof(*member->table.nodes));
    member->row_ordinal = calloc(rows, sizeof(*member->row_ordinal));
    if (member->table.nodes == NULL || member->row_ordinal == NULL)
        return false;
    member->table.capacity = rows;
    enum redis_table_status status =
        redis_table_parse(&member->table, redis_call_text(nodes), nodes->len, false, NULL);
    if (status != REDIS_TABLE_OK || member->table.myself < 0)
        return false;
    find_row_pods(observer, member);
    size_t len = redis_table_view(&member->table, view, VIEW_SIZE);
    digest_sha256_hex(view, len, member->view);
    return true;
}

/* A name of two families: the address that counts is the one that the pod's server announces, else a job,
 * which has no POD_IP, would mix them in one cluster. */
static void take_announced_address(const struct observer *observer, struct cluster_member *member,
                                   const struct redis_node *self)
{
    const struct dns_answer *answer = &observer->answers[member->ordinal - observer->spec.start];
    bool other = (strchr(self->ip, ':') != NULL) != (strchr(member->ip, ':') != NULL);
    for (size_t i = 0; i < answer->count && other; i++)
        if (strcmp(answer->addrs[i].text, self->ip) == 0)
            memcpy(member->ip, self->ip, sizeof(member->ip));
}

static void take_answers(const struct observer *observer, struct cluster_member *member,
                         const struct redis_call *answers, char *view)
{
    for (int ask = 0; ask < ASK_COUNT; ask++) {
        member->contact = contact_of(&answers[ask]);
        if (member->contact == MEMBER_ANSWERED)
            continue;
        (void)snprintf(member->problem, sizeof(member->problem), "%s",
                       redis_call_text(&answers[ask]));
        return;
    }
    (void)redis_info_parse(&member->info, redis_call_text(&answers[ASK_INFO]),
                           answers[ASK_INFO].len);
    (void)redis_info_parse(&member->info, redis_call_text(&answers[ASK_CLUSTER_INFO]),
                           answers[ASK_CLUSTER_INFO].len);
    if (answers[ASK_MYID].len != REDIS_ID_LEN ||
        !take_table(observer, member, &answers[ASK_NODES], view)) {
        member->contact = MEMBER_STRANGE;
        (void)snprintf(member->problem, sizeof(member->problem),
                       "its CLUSTER NODES cannot be read");
        return;
    }
    memcpy(member->id, redis_call_text(&answers[ASK_MYID]), sizeof(member->id));
    const struct redis_node *self = &member->table.nodes[member->table.myself];
    if (strcmp(self->id, member->id) != 0)
        member->contact = MEMBER_STRANGE;
    take_announced_address(observer, member, self);
    member->announces = *self->hostname != '\0';
    member->announced_ordinal = identity_ordinal_of(&observer->identity, self->hostname);
}

/* --- one look --- */

static bool prepare(struct observer *observer, size_t count)
{
    observer->members = calloc(count, sizeof(*observer->members));
    observer->calls = calloc(count * ASK_COUNT, sizeof(*observer->calls));
    observer->member_count = observer->members != NULL ? count : 0;
    if (observer->members == NULL || observer->calls == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct cluster_member *member = &observer->members[i];
        member->ordinal = observer->spec.start + (int)i;
        member->port = observer->settings->redis.port;
        member->info = redis_info_none();
        member->table.myself = -1;
        member->announced_ordinal = -1;
        member->node_timeout_ms = -1;
        bool self = member->ordinal == observer->identity.ordinal && *observer->own_id != '\0';
        bool recorded = i < (size_t)observer->spec.replicas && *observer->recorded[i] != '\0';
        if (self)
            memcpy(member->expected_id, observer->own_id, sizeof(member->expected_id));
        else if (recorded)
            memcpy(member->expected_id, observer->recorded[i], sizeof(member->expected_id));
        else
            observe_birth_id(&observer->identity, member->ordinal, member->expected_id);
        /* This pod knows its own address better than any cache. */
        const struct dns_answer *answer = &observer->answers[i];
        bool own = member->ordinal == observer->identity.ordinal &&
                   observer->identity.pod_ip.family != ADDR_NONE;
        const struct addr *addr = own ? &observer->identity.pod_ip : &answer->addrs[0];
        bool found = own || answer->outcome == DNS_FOUND;
        member->contact = found ? MEMBER_SILENT : MEMBER_NO_NAME;
        if (found)
            memcpy(member->ip, addr->text, sizeof(member->ip));
    }
    return true;
}

static bool draw(struct observer *observer)
{
    struct cluster_picture *picture = &observer->picture;
    size_t capacity = 1;
    for (size_t i = 0; i < observer->member_count; i++)
        if (observer->members[i].table.count > capacity)
            capacity = observer->members[i].table.count;
    capacity = capacity * 2 + observer->member_count;
    picture->members = observer->members;
    picture->member_count = observer->member_count;
    picture->capacity = capacity;
    picture->claims = calloc(observer->member_count + 1, sizeof(*picture->claims));
    picture->nodes = calloc(capacity, sizeof(*picture->nodes));
    return picture->claims != NULL && picture->nodes != NULL &&
           cluster_picture_draw(picture, observer->settings->adopt);
}

bool observer_look(struct observer *observer, bool fresh_names, int64_t patience_ms,
                   int64_t deadline_ns, struct err *err)
{
    forget_look(observer);
    int64_t until_ns = clock_part_ns(deadline_ns, patience_ms);
    size_t count = 0;
    char *view = malloc(VIEW_SIZE);
    bool done = view != NULL && find_pods(observer, fresh_names, until_ns, &count) &&
                prepare(observer, count);
    if (done) {
        add_questions(observer);
        until_ns = clock_part_ns(deadline_ns, patience_ms);
        redis_client_round(observer->client, observer->calls, observer->call_count, until_ns,
                           until_ns);
        size_t call = 0;
        for (size_t i = 0; i < count && call < observer->call_count; i++) {
            if (observer->members[i].contact == MEMBER_NO_NAME)
                continue;
            take_answers(observer, &observer->members[i], &observer->calls[call], view);
            call += ASK_COUNT;
        }
        done = draw(observer);
    }
    free(view);
    return done || err_set(err, ERR_IO, "out of memory while looking at the cluster");
}

const char *observer_name(const struct observer *observer, int member)
{
    static char texts[2][IDENTITY_NAME_MAX + ADDR_TEXT_MAX + 8];
    static int turn;
    char *text = texts[turn ^= 1];
    char pod[IDENTITY_NAME_MAX] = "the cluster";
    const char *ip = "";
    if (member >= 0) {
        identity_pod_name(&observer->identity, observer->members[member].ordinal, pod);
        ip = observer->members[member].ip;
    }
    (void)snprintf(text, sizeof(texts[0]), *ip != '\0' ? "%s (%s)" : "%s", pod, ip);
    return text;
}
