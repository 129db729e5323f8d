#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "roles/postgres_start.h"
#include "tests/unit/golden.h"

/* The whole input space, not a sample: every fact with every value. */
#define WISHES (2 * 2 * 2 * 2 * 2 * 2 * 2 * PG_DIVERGED_VALUES * 2 * 2)
#define ANSWERS (PG_UPSTREAM_VALUES * PG_RELATION_VALUES * PG_OTHERS_VALUES)
#define INPUTS (PG_DATA_VALUES * PG_NAMED_VALUES * 2 * 2 * PG_IDENTITY_VALUES * ANSWERS * WISHES)
#define ROWS_MAX 64

static int digit(int *number, int base)
{
    int value = *number % base;
    *number /= base;
    return value;
}

static struct pg_start_facts facts_of(int number)
{
    struct pg_start_facts facts = {0};
    facts.rewindable = digit(&number, 2) != 0;
    facts.kept_before = digit(&number, 2) != 0;
    facts.policy = (enum pg_diverged)digit(&number, PG_DIVERGED_VALUES);
    facts.adopt = digit(&number, 2) != 0;
    facts.birth_is_new = digit(&number, 2) != 0;
    facts.outdated = facts.birth_is_new; /* rows of other registers */
    facts.promised = digit(&number, 2) != 0;
    facts.later_told = facts.promised; /* rows of other registers */
    facts.outrun = digit(&number, 2) != 0;
    facts.overtaken = facts.outrun; /* rows of other data */
    facts.born = digit(&number, 2) != 0;
    facts.wal_gone = digit(&number, 2) != 0;
    facts.unfinished = digit(&number, 2) != 0;
    facts.others = (enum pg_others)digit(&number, PG_OTHERS_VALUES);
    facts.relation = (enum pg_relation)digit(&number, PG_RELATION_VALUES);
    facts.upstream = (enum pg_upstream)digit(&number, PG_UPSTREAM_VALUES);
    facts.identity = (enum pg_identity)digit(&number, PG_IDENTITY_VALUES);
    facts.behind_record = digit(&number, 2) != 0;
    facts.first = digit(&number, 2) != 0;
    facts.named = (enum pg_named)digit(&number, PG_NAMED_VALUES);
    facts.data = (enum pg_data)digit(&number, PG_DATA_VALUES);
    assert_int_equal(number, 0);
    return facts;
}

static bool clones(enum pg_action action)
{
    return action == PG_CLONE || action == PG_CLONE_KEEP || action == PG_CLONE_DISCARD;
}

static bool starts_primary(enum pg_action action)
{
    return action == PG_INITDB || action == PG_START_PRIMARY || action == PG_ADOPT;
}

/* ---- what must never be, over all inputs */

static void nobody_starts_as_primary_without_a_word(const struct pg_start_facts *facts,
                                                    enum pg_action action)
{
    if (!starts_primary(action))
        return;
    assert_int_not_equal(facts->named, PG_NAMED_UNREACHABLE);
    assert_int_not_equal(facts->named, PG_NAMED_OTHER);
    if (facts->named == PG_NAMED_UNASKED)
        assert_true(facts->first);
    assert_false(action == PG_ADOPT && facts->later_told);
    if (facts->named == PG_NAMED_NOBODY)
        assert_true(action == PG_INITDB ? facts->first && facts->others == PG_OTHERS_SILENT
                                        : facts->adopt && facts->others != PG_OTHERS_PRIMARY);
}

static void initdb_never_runs_where_data_was(const struct pg_start_facts *facts,
                                             enum pg_action action)
{
    if (action != PG_INITDB)
        return;
    assert_true(facts->data == PG_DATA_EMPTY || facts->data == PG_DATA_HALF);
    /* an empty volume of a primary that was born is a lost one */
    if (facts->data == PG_DATA_EMPTY)
        assert_true(facts->named == PG_NAMED_NOBODY ||
                    (facts->named == PG_NAMED_UNASKED && facts->birth_is_new));
    assert_true(facts->named == PG_NAMED_UNASKED || !facts->born);
    assert_true(facts->named == PG_NAMED_ME || facts->others == PG_OTHERS_SILENT);
}

static void nothing_is_cloned_or_rewound_but_from_the_verified_primary(
    const struct pg_start_facts *facts, enum pg_action action)
{
    if (!clones(action) && action != PG_REWIND)
        return;
    assert_int_equal(facts->upstream, PG_UPSTREAM_PRIMARY);
    assert_true(facts->named == PG_NAMED_OTHER ||
                (facts->named == PG_NAMED_UNASKED && !facts->first));
    assert_int_not_equal(facts->identity == PG_IDENTITY_OTHER && facts->data != PG_DATA_EMPTY &&
                             facts->data != PG_DATA_HALF,
                         true);
}

static void data_is_left_behind_only_when_it_diverged(const struct pg_start_facts *facts,
                                                      enum pg_action action)
{
    bool replaces = action == PG_CLONE_KEEP || action == PG_CLONE_DISCARD || action == PG_REWIND;
    if (replaces && facts->data != PG_DATA_REWINDING && !facts->wal_gone)
        assert_int_equal(facts->relation, PG_RELATION_DIVERGED);
    if (action == PG_CLONE)
        assert_true(facts->data == PG_DATA_EMPTY || facts->data == PG_DATA_HALF);
    if (action == PG_CLONE_DISCARD)
        assert_true(facts->policy == PG_DIVERGED_DISCARD || (facts->unfinished && facts->wal_gone));
    if (action == PG_CLONE_KEEP)
        assert_false(facts->kept_before);
    if (action == PG_REWIND)
        assert_true(facts->policy == PG_DIVERGED_REWIND && facts->rewindable);
}

static void a_diverged_pod_never_starts_beside_a_primary_that_says_so(
    const struct pg_start_facts *facts, enum pg_action action)
{
    if (facts->upstream != PG_UPSTREAM_PRIMARY || facts->relation != PG_RELATION_DIVERGED ||
        (facts->named != PG_NAMED_OTHER && !(facts->named == PG_NAMED_UNASKED && !facts->first)))
        return;
    assert_int_not_equal(action, PG_START_STANDBY);
    assert_int_not_equal(action, PG_BECOME_STANDBY);
    assert_int_not_equal(action, PG_START_PRIMARY);
}

/* No promotion has said whose data goes on, whatever the policy says of those who lost one. */
static void nobody_judges_two_histories_of_one_timeline(const struct pg_start_facts *facts,
                                                        enum pg_action action)
{
    bool whole = facts->data == PG_DATA_STANDBY || facts->data == PG_DATA_PRIMARY;
    bool follows =
        facts->named == PG_NAMED_OTHER || (facts->named == PG_NAMED_UNASKED && !facts->first);
    if (whole && follows && facts->upstream == PG_UPSTREAM_PRIMARY &&
        facts->relation == PG_RELATION_FORKED)
        assert_int_equal(action, PG_REFUSE);
}

static void another_cluster_s_data_is_never_touched(const struct pg_start_facts *facts,
                                                    enum pg_action action)
{
    bool data = facts->data == PG_DATA_STANDBY || facts->data == PG_DATA_PRIMARY ||
                facts->data == PG_DATA_REWINDING;
    if ((data && facts->identity == PG_IDENTITY_OTHER) || facts->data == PG_DATA_FOREIGN ||
        facts->data == PG_DATA_DAMAGED || facts->data == PG_DATA_RECOVERY ||
        facts->data == PG_DATA_UNMARKED)
        assert_int_equal(action, PG_REFUSE);
}

static void half_a_rewind_never_starts(const struct pg_start_facts *facts, enum pg_action action)
{
    if (facts->data == PG_DATA_REWINDING)
        assert_true(clones(action) || action == PG_WAIT || action == PG_REFUSE);
}

static void an_old_volume_is_no_primary(const struct pg_start_facts *facts, enum pg_action action)
{
    if (facts->named == PG_NAMED_ME && facts->behind_record && facts->data == PG_DATA_PRIMARY)
        assert_int_equal(action, PG_REFUSE);
}

static void a_primary_never_starts_behind_its_standbys(const struct pg_start_facts *facts,
                                                       enum pg_action action)
{
    if (action == PG_START_PRIMARY)
        assert_false(facts->overtaken);
}

static void a_standby_needs_no_register(const struct pg_start_facts *facts, enum pg_action action)
{
    if (facts->named != PG_NAMED_UNREACHABLE || facts->identity == PG_IDENTITY_OTHER)
        return;
    if (facts->data == PG_DATA_STANDBY)
        assert_int_equal(action, PG_START_STANDBY);
    else
        assert_true(action == PG_WAIT || action == PG_REFUSE);
}

static void only_what_was_chosen_is_promoted(const struct pg_start_facts *facts,
                                             enum pg_action action)
{
    if (action == PG_FINISH_PROMOTION)
        assert_true(facts->promised && !facts->outrun && !facts->outdated);
}

static void (*const checks[])(const struct pg_start_facts *facts, enum pg_action action) = {
    only_what_was_chosen_is_promoted,
    nobody_starts_as_primary_without_a_word,
    initdb_never_runs_where_data_was,
    nothing_is_cloned_or_rewound_but_from_the_verified_primary,
    data_is_left_behind_only_when_it_diverged,
    a_diverged_pod_never_starts_beside_a_primary_that_says_so,
    nobody_judges_two_histories_of_one_timeline,
    another_cluster_s_data_is_never_touched,
    half_a_rewind_never_starts,
    an_old_volume_is_no_primary,
    a_primary_never_starts_behind_its_standbys,
    a_standby_needs_no_register,
};

/* ---- the golden file: how many inputs each row answers, and the first of them */

static const char *const data_names[] = {"empty",     "half",     "unmarked", "standby", "primary",
                                         "rewinding", "recovery", "damaged",  "foreign"};
static const char *const named_names[] = {"silent", "no-register", "nobody", "me", "other"};
static const char *const upstream_names[] = {"unknown", "recovering", "old", "stranger", "primary"};
static const char *const relation_names[] = {"untold", "ancestor", "diverged", "forked", "newer"};
static const char *const others_names[] = {"alone", "data", "leader"};
static const char *const identity_names[] = {"unknown", "same", "other"};
static const char *const policy_names[] = {"keep", "discard", "rewind"};

static void every_answer_is_as_recorded_and_safe(void **state)
{
    (void)state;
    static int counts[ROWS_MAX];
    static struct pg_start_facts firsts[ROWS_MAX];
    static struct pg_start_decision decisions[ROWS_MAX];
    static char text[64 * 1024];
    size_t len = 0;
    int rows = 0;
    for (int i = 0; i < INPUTS; i++) {
        struct pg_start_facts facts = facts_of(i);
        struct pg_start_decision decision = postgres_start_decide(&facts);
        assert_in_range(decision.row, 0, ROWS_MAX - 1); /* -1: the table has a gap */
        for (size_t check = 0; check < sizeof checks / sizeof *checks; check++)
            checks[check](&facts, decision.action);
        if (counts[decision.row]++ == 0) {
            firsts[decision.row] = facts;
            decisions[decision.row] = decision;
        }
        rows = decision.row >= rows ? decision.row + 1 : rows;
    }
    for (int row = 0; row < rows; row++) {
        const struct pg_start_facts *facts = &firsts[row];
        assert_true(counts[row] > 0); /* no row is dead */
        int put =
            snprintf(text + len, sizeof text - len,
                     "%2d %7d %s: %s\n   first: %s, named %s%s%s, identity %s, upstream %s %s, "
                     "others %s%s%s, %s%s%s%s%s%s%s%s\n",
                     row + 1, counts[row], postgres_start_action_name(decisions[row].action),
                     decisions[row].sentence, data_names[facts->data], named_names[facts->named],
                     facts->first ? ", first" : "", facts->behind_record ? ", behind" : "",
                     identity_names[facts->identity], upstream_names[facts->upstream],
                     relation_names[facts->relation], others_names[facts->others],
                     facts->birth_is_new ? ", new" : "", facts->adopt ? ", adopt" : "",
                     policy_names[facts->policy], facts->kept_before ? ", kept" : "",
                     facts->rewindable ? ", rewindable" : "",
                     facts->unfinished ? ", unfinished" : "", facts->wal_gone ? ", WAL gone" : "",
                     facts->born ? ", born" : "", facts->promised ? ", promised" : "",
                     !facts->outrun                   ? ""
                     : facts->data == PG_DATA_PRIMARY ? ", overtaken"
                                                      : ", outrun");
        assert_true(put > 0 && (size_t)put < sizeof text - len);
        len += (size_t)put;
    }
    golden_check("postgres_start.txt", text);
}

static void what_is_local_is_decided_without_the_others(void **state)
{
    (void)state;
    struct pg_start_facts facts = {.data = PG_DATA_STANDBY, .named = PG_NAMED_UNREACHABLE};
    assert_true(postgres_start_is_local(&facts));
    facts = (struct pg_start_facts){.data = PG_DATA_PRIMARY, .named = PG_NAMED_ME};
    assert_false(postgres_start_is_local(&facts)); /* a standby may have more */
    facts.behind_record = true;
    assert_true(postgres_start_is_local(&facts));
    facts.behind_record = false;
    facts.named = PG_NAMED_OTHER;
    assert_false(postgres_start_is_local(&facts));
    facts = (struct pg_start_facts){.data = PG_DATA_EMPTY, .named = PG_NAMED_NOBODY, .first = true};
    assert_false(postgres_start_is_local(&facts));
}

static void histories_are_compared(void **state)
{
    (void)state;
    /* a clean switchover: the end is the fork */
    assert_int_equal(postgres_relation(1, 100, 2, 500, true, 100), PG_RELATION_ANCESTOR);
    assert_int_equal(postgres_relation(1, 99, 2, 500, true, 100), PG_RELATION_ANCESTOR);
    assert_int_equal(postgres_relation(1, 101, 2, 500, true, 100), PG_RELATION_DIVERGED);
    /* their history never was on mine */
    assert_int_equal(postgres_relation(2, 50, 3, 500, false, 0), PG_RELATION_DIVERGED);
    assert_int_equal(postgres_relation(2, 0, 3, 500, false, 0), PG_RELATION_DIVERGED);
    /* nothing follows backwards */
    assert_int_equal(postgres_relation(3, 50, 2, 500, true, 100), PG_RELATION_NEWER);
    /* the same timeline: not past its WAL */
    assert_int_equal(postgres_relation(2, 500, 2, 500, false, 0), PG_RELATION_ANCESTOR);
    assert_int_equal(postgres_relation(2, 501, 2, 500, false, 0), PG_RELATION_FORKED);
    /* an end that is not known is no proof */
    assert_int_equal(postgres_relation(1, 0, 2, 500, true, 100), PG_RELATION_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_as_recorded_and_safe),
        cmocka_unit_test(what_is_local_is_decided_without_the_others),
        cmocka_unit_test(histories_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
