#include <string.h>

#include "init/redis/start_internal.h"

static const char *yes(bool fact)
{
    return fact ? "yes" : "no";
}

static void report_facts(const struct start *start, struct buf *out)
{
    static const char *const files[] = {"none", "torn", "whole"};
    static const char *const marks[] = {
        "none",           "a birth was begun",     "born here",
        "of another pod", "of another birth spec", "of another cluster"};
    static const char *const seeded[] = {"none", "unreachable", "does not know this pod",
                                         "knows this pod's birth"};
    static const char *const heard[] = {"nobody is there", "no", "a peer cannot say", "yes"};
    const struct start_facts *facts = &start->facts;
    char pod[IDENTITY_NAME_MAX];
    identity_pod_name(&start->identity, start->identity.ordinal, pod);
    buf_printf(out, "pod          %s of %s, ordinal %d\n", pod, start->identity.cluster_id,
               start->identity.ordinal);
    buf_printf(out, "birth        %d pods, %d masters, first ordinal %d\n", start->spec.replicas,
               start->spec.masters, start->spec.start);
    buf_printf(out, "volume       %s\n", start->volume.dir);
    char problem[96] = "";
    if (start->volume.nodes.there && facts->file == START_FILE_TORN)
        volume_table_problem(&start->volume.nodes, problem);
    buf_printf(out, "  nodes.conf %s%s%s\n", files[facts->file],
               facts->file != START_FILE_WHOLE ? (*problem != '\0' ? ", " : "")
               : facts->id_is_ours             ? ", of this pod"
                                               : ", of another node",
               problem);
    buf_printf(out, "  copy       %s\n", start->volume.copy.there ? "there" : "none");
    buf_printf(out, "  mark       %s\n", marks[facts->mark]);
    buf_printf(out, "  keys       %s\n", yes(facts->has_keys));
    buf_printf(out, "  server     %s\n", facts->server_lives ? "alive" : "none");
    buf_printf(out, "register     %s\n", seeded[facts->seeded]);
    buf_printf(out, "heard of me  %s\n", heard[facts->heard]);
}

static void report_peers(const struct start *start, struct buf *out)
{
    static const char *const trusts[] = {
        [START_TRUST_NONE] = "no address that is its own",
        [START_TRUST_NAME] = "silent",
        [START_TRUST_NOBODY] = "no server yet",
        [START_TRUST_ID] = "answers",
    };
    for (size_t i = 0; i < start->peer_count; i++) {
        const struct start_peer *peer = &start->peers[i];
        char pod[IDENTITY_NAME_MAX];
        identity_pod_name(&start->identity, peer->ordinal, pod);
        buf_printf(out, "peer         %s %s%s%s\n", pod, peer->ip, *peer->ip != '\0' ? ", " : "",
                   trusts[peer->trust]);
    }
}

static void report_steps(const struct start *start, const struct start_table *made,
                         const struct start_result *result, struct buf *out)
{
    enum start_action action = result->decision.action;
    bool fresh = action == START_SEED || action == START_SINGLE || action == START_LOST;
    if ((action == START_SEED || action == START_SINGLE) &&
        start->facts.seeded != START_REGISTER_NONE)
        buf_printf(out, "step         record the birth in the register\n");
    else if (start->facts.seeded == START_REGISTER_UNSEEDED)
        buf_printf(out, "step         record this pod in the register\n");
    if (fresh)
        buf_printf(out, "step         write nodes.conf (%zu rows) and its copy, as %s\n",
                   made->table.count, result->role);
    else if (made->mend.status == MEND_ADDRESSES)
        buf_printf(out, "step         write nodes.conf: %d addresses change\n",
                   made->mend.addresses);
    else if (made->mend.status != MEND_NOTHING)
        buf_printf(out, "step         mend nodes.conf: %d rows of its own, %d of the copy%s\n",
                   made->mend.from_file, made->mend.from_copy,
                   made->mend.slots_withheld ? ", without slots until the masters confirm them"
                                             : "");
    if (result->changed > 0)
        buf_printf(out, "step         write the configuration (%zu files)\n", result->changed);
}

void start_report(const struct start *start, const struct start_table *made,
                  const struct start_result *result, struct buf *out)
{
    report_facts(start, out);
    report_peers(start, out);
    buf_printf(out, "decision     %s (row %d)\n", redis_start_action_name(result->decision.action),
               result->decision.row + 1);
    buf_printf(out, "because      %s\n", result->decision.sentence);
    if (made->table.nodes != NULL)
        report_steps(start, made, result, out);
}
