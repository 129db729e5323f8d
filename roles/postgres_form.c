#include "roles/postgres_form.h"

#include "roles/cells.h"

/* ---- one pod's row: what is said of it, first match wins */

struct row {
    unsigned answer; /* set of enum pg_form_answer */
    enum cell stranger, held, streams, read_only, follows, replayed;
    unsigned relation;
    enum pg_form_verdict verdict;
    const char *sentence;
};

#define SILENT SET(PG_FORM_SILENT)
#define THERE SET(PG_FORM_THERE)
#define STANDBY SET(PG_FORM_STANDBY)
#define PRIMARY SET(PG_FORM_PRIMARY)

/* clang-format off */
static const struct row primary_rows[] = {
    {.answer = SILENT, .verdict = PG_FORM_WAIT, .sentence = "the named primary does not answer"},
    {.answer = THERE, .verdict = PG_FORM_WAIT,
     .sentence = "the named primary's server does not let us see what it is"},
    {.stranger = YES, .verdict = PG_FORM_REFUSE,
     .sentence = "the named primary has another system identifier than the recorded one: another "
                 "cluster's data"},
    {.answer = STANDBY, .verdict = PG_FORM_WAIT,
     .sentence = "the named primary is in recovery: its promotion is under way; `promote postgres` "
                 "finishes it"},
    {.read_only = YES, .verdict = PG_FORM_WAIT, .sentence = "the named primary is read-only"},
    {.verdict = PG_FORM_DONE, .sentence = "it is the primary"},
};

static const struct row standby_rows[] = {
    {.answer = SILENT, .verdict = PG_FORM_WAIT, .sentence = "a pod does not answer"},
    {.answer = THERE, .verdict = PG_FORM_WAIT,
     .sentence = "a pod's server does not let us see what it is"},
    {.stranger = YES, .verdict = PG_FORM_REFUSE,
     .sentence = "a pod has another cluster's data (system identifier); where it is not wanted, give "
                 "the pod an empty volume"},
    {.answer = PRIMARY, .verdict = PG_FORM_WAIT,
     .sentence = "a primary that the register does not name: its readiness probe fences it, and it "
                 "comes back as a standby"},
    {.streams = NO, .relation = SET(PG_RELATION_DIVERGED), .verdict = PG_FORM_REFUSE,
     .sentence = "a standby has WAL that the primary does not have; delete the pod: its next start "
                 "keeps that data aside and clones"},
    {.streams = NO, .relation = SET(PG_RELATION_FORKED), .verdict = PG_FORM_REFUSE,
     .sentence = "a standby has WAL of the primary's own timeline that the primary does not have: one "
                 "of the two volumes is an old one; a person must say whose data is right"},
    {.streams = NO, .relation = SET(PG_RELATION_NEWER), .verdict = PG_FORM_REFUSE,
     .sentence = "a standby is on a later timeline than the primary; delete the pod: its next start "
                 "decides by its WAL"},
    {.streams = NO, .held = YES, .verdict = PG_FORM_WAIT,
     .sentence = "a promotion is under way, which has a standby take WAL from nobody"},
    {.streams = NO, .follows = NO, .verdict = PG_FORM_WORK,
     .sentence = "a standby does not follow the primary"},
    {.streams = NO, .verdict = PG_FORM_WAIT, .sentence = "a standby does not stream yet"},
    {.replayed = NO, .verdict = PG_FORM_WAIT,
     .sentence = "a standby has not replayed yet what the primary had written"},
    {.verdict = PG_FORM_DONE, .sentence = "it streams"},
};
/* clang-format on */

static const struct row *row_of(const struct pg_form_pod *pod, bool primary)
{
    size_t count = primary ? sizeof primary_rows / sizeof *primary_rows
                           : sizeof standby_rows / sizeof *standby_rows;
    const struct row *row = primary ? primary_rows : standby_rows;
    for (size_t i = 0; i < count - 1; i++, row++)
        if (in(row->answer, pod->answer) && is(row->stranger, pod->stranger) &&
            is(row->held, pod->held) && is(row->streams, pod->streams) &&
            is(row->read_only, pod->read_only) && is(row->follows, pod->follows) &&
            is(row->replayed, pod->replayed) && in(row->relation, pod->relation))
            break;
    return row;
}

/* ---- the plan */

/* A refusal is told before a wait, a wait before work: what is told last must not hide what is worse. */
static void judge(struct pg_form_plan *plan, enum pg_form_verdict verdict, int about,
                  const char *sentence)
{
    if (verdict <= plan->verdict)
        return;
    plan->verdict = verdict;
    plan->about = about;
    plan->sentence = sentence;
}

static void step(struct pg_form_plan *plan, enum pg_form_step_kind kind, int pod,
                 const char *sentence)
{
    plan->steps[plan->count++] = (struct pg_form_step){kind, pod};
    judge(plan, PG_FORM_WORK, pod, sentence);
}

static bool answers(const struct pg_form_pod *pod)
{
    return (pod->answer == PG_FORM_STANDBY || pod->answer == PG_FORM_PRIMARY) && !pod->stranger;
}

/* Nobody is named: the one running primary may be, where a person says so and every pod was heard. */
static void adopt(const struct pg_form_facts *facts, struct pg_form_plan *plan)
{
    int primary = -1;
    bool stranger = false;
    for (size_t i = 0; i < facts->count; i++) {
        const struct pg_form_pod *pod = &facts->pods[i];
        stranger = stranger || pod->stranger;
        if (pod->answer == PG_FORM_SILENT || pod->answer == PG_FORM_THERE)
            judge(plan, PG_FORM_WAIT, (int)i,
                  facts->adopt ? "a pod does not answer, and may be a primary, too"
                               : "the register names no primary yet, and a pod does not answer");
        if (pod->answer != PG_FORM_PRIMARY)
            continue;
        if (primary >= 0)
            judge(plan, PG_FORM_REFUSE, (int)i,
                  "two pods are primaries, and the register names neither: stop the one whose "
                  "writes are not wanted");
        primary = (int)i;
    }
    if (stranger)
        judge(plan, PG_FORM_REFUSE, -1,
              "the pods have different system identifiers: they are no replication");
    if (primary < 0)
        judge(plan, PG_FORM_WAIT, -1, "the register names no primary, and none runs");
    else if (!facts->adopt)
        judge(plan, PG_FORM_REFUSE, primary,
              "a primary runs and the register names nobody: --adopt takes over a replication that "
              "ordain did not make");
    if (plan->verdict == PG_FORM_DONE)
        step(plan, PG_FORM_ADOPT, primary, "the one running primary is not recorded yet");
}

static void mend_primary(const struct pg_form_facts *facts, struct pg_form_plan *plan)
{
    if (!facts->recorded)
        step(plan, PG_FORM_RECORD, facts->named, "the register lacks identifier or timeline");
    if (facts->role_wrong)
        step(plan, PG_FORM_ROLE, facts->named,
             "the replication role cannot log in with its password");
}

/* Commits wait for standbys only once there are some to wait for; whoever may be promoted must know it, too. */
static void mend_synchronous(const struct pg_form_facts *facts, struct pg_form_plan *plan)
{
    int streaming = 0;
    for (size_t i = 0; i < facts->count; i++)
        streaming += (int)i != facts->named && facts->pods[i].streams;
    for (size_t i = 0; i < facts->count && streaming >= facts->synchronous; i++)
        if (facts->pods[i].synchronous_differs && answers(&facts->pods[i]))
            step(plan, PG_FORM_SYNCHRONOUS, (int)i, "synchronous_standby_names is not as wished");
}

static void mend_pod(const struct pg_form_facts *facts, size_t i, struct pg_form_plan *plan)
{
    const struct pg_form_pod *pod = &facts->pods[i];
    const struct row *row = row_of(pod, (int)i == facts->named);
    if (row->verdict == PG_FORM_WORK)
        step(plan, PG_FORM_FOLLOW, (int)i, row->sentence);
    else
        judge(plan, row->verdict, (int)i, row->sentence);
    bool unwanted = pod->answer == PG_FORM_PRIMARY && (int)i != facts->named;
    if (!answers(pod) || unwanted)
        return;
    if (pod->slots_wrong)
        step(plan, PG_FORM_SLOTS, (int)i, "slots are missing, lost, or held in vain");
    if (pod->slots_left && facts->drop_slots)
        step(plan, PG_FORM_DROP_SLOTS, (int)i, "slots of pods beyond the set are left");
}

void postgres_form_decide(const struct pg_form_facts *facts, struct pg_form_plan *plan)
{
    plan->verdict = PG_FORM_DONE;
    plan->count = 0;
    plan->about = -1;
    plan->sentence = "every standby streams from the primary and replays";
    if (!facts->known) {
        judge(plan, PG_FORM_WAIT, -1, "the register does not answer: whom it names is not known");
        return;
    }
    if (facts->named < 0) {
        adopt(facts, plan);
        return;
    }
    const struct row *primary = row_of(&facts->pods[facts->named], true);
    judge(plan, primary->verdict, facts->named, primary->sentence);
    if (plan->verdict != PG_FORM_DONE)
        return; /* without it nobody is told anything */
    mend_primary(facts, plan);
    for (size_t i = 0; i < facts->count; i++)
        mend_pod(facts, i, plan);
    mend_synchronous(facts, plan);
}

const char *postgres_form_step_name(enum pg_form_step_kind kind)
{
    static const char *const names[PG_FORM_STEP_KINDS] = {
        [PG_FORM_ADOPT] = "record it as the primary",
        [PG_FORM_RECORD] = "record its identifier and timeline",
        [PG_FORM_ROLE] = "make the replication role right",
        [PG_FORM_SLOTS] = "make the slots right",
        [PG_FORM_DROP_SLOTS] = "drop the slots of pods beyond the set",
        [PG_FORM_FOLLOW] = "tell it to follow the primary",
        [PG_FORM_SYNCHRONOUS] = "set synchronous_standby_names",
    };
    return names[kind];
}
