#include "roles/postgres_promote.h"

#include "roles/cells.h"

/* How the register's pod stands. */
enum named_is { NOBODY, SILENT, THERE, RECOVERING, WRITING, STRANGE, NAMED_VALUES };
/* How the recorded timeline stands to those of the standbys: a promotion's is beyond all that were seen, and each
 * follows one that was recorded. */
enum record { FITS, OLD, WRONG };
/* Whom the choice falls on. */
enum choice { NONE, BEST, BEHIND, UNFIT };
/* Which pod a sentence is about. */
enum about { NOT_ONE, THE_NAMED, THE_MISSING, THE_WANTED, THE_BEST };

struct picture {
    enum named_is named_is;
    bool wants_named; /* by name, or by naming nobody where the named one is in recovery */
    bool named_given_up;
    bool named_keeps_up; /* in recovery, not given up, and not behind the choice */
    int missing;         /* the first pod without an answer that is not given up; -1: none */
    enum record record;
    int best; /* the most advanced standby, the lowest ordinal of equals; -1: none */
    enum choice choice;
};

struct row {
    enum cell has_register;
    unsigned named;  /* set of enum named_is */
    unsigned record; /* set of enum record */
    enum cell wants_named, given_up, keeps_up, missing;
    unsigned choice; /* set of enum choice */
    enum pg_promote_verdict verdict;
    enum about about;
    const char *sentence;
};

/* clang-format off */
static const struct row rows[] = {
    {.has_register = NO, .verdict = PG_PROMOTE_REFUSE,
     .sentence = "there is no register that could name another primary: the first ordinal is the "
                 "primary for ever; see ORDAIN_REGISTER"},
    {.named = SET(NOBODY), .verdict = PG_PROMOTE_REFUSE,
     .sentence = "the register names no primary yet: the first ordinal becomes it at its birth, a "
                 "running one by `form postgres --adopt`"},
    {.named = SET(WRITING), .wants_named = YES, .verdict = PG_PROMOTE_NOTHING, .about = THE_NAMED,
     .sentence = "it is the primary already"},
    {.named = SET(WRITING), .verdict = PG_PROMOTE_REFUSE, .about = THE_NAMED,
     .sentence = "the named primary answers: it is stopped first, by deleting its pod"},
    {.record = SET(OLD), .verdict = PG_PROMOTE_REFUSE, .about = THE_BEST,
     .sentence = "a standby is on a later timeline than the recorded one: the register is an older one, and "
                 "another pod was the primary since; let it name that one"},
    {.named = SET(RECOVERING), .wants_named = YES, .given_up = NO, .keeps_up = YES,
     .verdict = PG_PROMOTE_FINISH,
     .about = THE_NAMED,
     .sentence = "the register names it already: its promotion was cut short, and is finished"},
    {.record = SET(WRONG), .verdict = PG_PROMOTE_REFUSE, .about = THE_BEST,
     .sentence = "the recorded timeline is far beyond what any pod has: the register is wrong; let it say "
                 "the timeline that the pods are on"},
    {.named = SET(THERE), .verdict = PG_PROMOTE_WAIT, .about = THE_NAMED,
     .sentence = "the named primary's server is there and does not tell what it has: it starts, "
                 "stops, refuses, or still reads its own WAL"},
    {.named = SET(STRANGE), .given_up = NO, .verdict = PG_PROMOTE_REFUSE, .about = THE_NAMED,
     .sentence = "the named primary's pod has another cluster's data; --peer-is-dead gives up what "
                 "it had"},
    {.missing = YES, .verdict = PG_PROMOTE_WAIT, .about = THE_MISSING,
     .sentence = "a pod does not answer, or does not tell how far its WAL goes, and may have what "
                 "no other one has; --peer-is-dead gives it up"},
    {.choice = SET(UNFIT), .verdict = PG_PROMOTE_REFUSE, .about = THE_WANTED,
     .sentence = "it is no standby of this set that could be promoted"},
    {.choice = SET(NONE), .verdict = PG_PROMOTE_WAIT, .sentence = "no standby answers"},
    {.choice = SET(BEHIND), .verdict = PG_PROMOTE_REFUSE, .about = THE_BEST,
     .sentence = "another standby is more advanced; promote that one, or --peer-is-dead gives up "
                 "what it alone has"},
    {.keeps_up = YES, .verdict = PG_PROMOTE_REFUSE, .about = THE_NAMED,
     .sentence = "the register names a standby that is not behind: its own promotion is to be "
                 "finished; --peer-is-dead gives it up"},
    {.choice = SET(BEST), .verdict = PG_PROMOTE_GO,
     .sentence = "every pod has answered or is given up: the most advanced standby takes over"},
};
/* clang-format on */

#define ROW_COUNT (sizeof rows / sizeof rows[0])

int postgres_promote_compare(const struct pg_promote_pod *one, const struct pg_promote_pod *other)
{
    if (one->timeline != other->timeline)
        return one->timeline < other->timeline ? -1 : 1;
    return one->lsn < other->lsn ? -1 : one->lsn > other->lsn;
}

static bool is_candidate(const struct pg_promote_pod *pod)
{
    return pod->answer == PG_PROMOTE_STANDBY && !pod->given_up;
}

static enum named_is named_state(const struct pg_promote_facts *facts)
{
    static const enum named_is states[PG_PROMOTE_ANSWERS] = {
        [PG_PROMOTE_SILENT] = SILENT,      [PG_PROMOTE_THERE] = THERE,
        [PG_PROMOTE_STANDBY] = RECOVERING, [PG_PROMOTE_PRIMARY] = WRITING,
        [PG_PROMOTE_STRANGER] = STRANGE,
    };
    return facts->named < 0 ? NOBODY : states[facts->pods[facts->named].answer];
}

static int find_missing(const struct pg_promote_facts *facts)
{
    for (size_t i = 0; i < facts->count; i++)
        if (!facts->pods[i].given_up && (facts->pods[i].answer == PG_PROMOTE_SILENT ||
                                         facts->pods[i].answer == PG_PROMOTE_THERE))
            return (int)i;
    return -1;
}

static int find_best(const struct pg_promote_facts *facts)
{
    int best = -1;
    for (size_t i = 0; i < facts->count; i++)
        if (is_candidate(&facts->pods[i]) &&
            (best < 0 || postgres_promote_compare(&facts->pods[i], &facts->pods[best]) > 0))
            best = (int)i;
    return best;
}

static enum choice choose(const struct pg_promote_facts *facts, int best)
{
    if (facts->wanted < 0)
        return best < 0 ? NONE : BEST;
    const struct pg_promote_pod *wanted = &facts->pods[facts->wanted];
    if (!is_candidate(wanted))
        return UNFIT;
    return postgres_promote_compare(wanted, &facts->pods[best]) < 0 ? BEHIND : BEST;
}

static enum record record_of(const struct pg_promote_facts *facts, int best)
{
    uint32_t most = best >= 0 ? facts->pods[best].timeline : 0;
    if (best < 0 || facts->recorded == 0)
        return FITS;
    if (most > facts->recorded)
        return OLD;
    return facts->recorded - most >= PG_PROMOTE_NUMBERS_MAX ? WRONG : FITS;
}

static struct picture picture_of(const struct pg_promote_facts *facts)
{
    struct picture picture = {
        .named_is = named_state(facts),
        .missing = find_missing(facts),
        .best = find_best(facts),
    };
    picture.choice = choose(facts, picture.best);
    picture.record = record_of(facts, picture.best);
    if (facts->named < 0)
        return picture;
    const struct pg_promote_pod *named = &facts->pods[facts->named];
    int chosen = facts->wanted < 0 ? picture.best : facts->wanted;
    picture.wants_named =
        facts->wanted == facts->named || (facts->wanted < 0 && picture.named_is == RECOVERING);
    picture.named_given_up = named->given_up;
    picture.named_keeps_up = is_candidate(named) && picture.choice == BEST &&
                             postgres_promote_compare(named, &facts->pods[chosen]) >= 0;
    return picture;
}

static bool matches(const struct row *row, const struct pg_promote_facts *facts,
                    const struct picture *picture)
{
    return is(row->has_register, facts->has_register) && in(row->named, picture->named_is) &&
           in(row->record, picture->record) && is(row->wants_named, picture->wants_named) &&
           is(row->given_up, picture->named_given_up) &&
           is(row->keeps_up, picture->named_keeps_up) && is(row->missing, picture->missing >= 0) &&
           in(row->choice, picture->choice);
}

static uint32_t next_timeline(const struct pg_promote_facts *facts)
{
    uint32_t most = facts->recorded;
    for (size_t i = 0; i < facts->count; i++) {
        const struct pg_promote_pod *pod = &facts->pods[i];
        bool told = pod->answer == PG_PROMOTE_STANDBY || pod->answer == PG_PROMOTE_PRIMARY;
        if (told && pod->timeline > most)
            most = pod->timeline;
    }
    return most + 1;
}

static int about_of(enum about about, const struct pg_promote_facts *facts,
                    const struct picture *picture)
{
    switch (about) {
    case THE_NAMED:
        return facts->named;
    case THE_MISSING:
        return picture->missing;
    case THE_WANTED:
        return facts->wanted;
    case THE_BEST:
        return picture->best;
    case NOT_ONE:
        break;
    }
    return -1;
}

struct pg_promote_decision postgres_promote_decide(const struct pg_promote_facts *facts)
{
    struct picture picture = picture_of(facts);
    size_t i = 0;
    while (i < ROW_COUNT - 1 && !matches(&rows[i], facts, &picture))
        i++;
    struct pg_promote_decision decision = {
        .verdict = rows[i].verdict,
        .row = (int)i,
        .chosen = -1,
        .about = about_of(rows[i].about, facts, &picture),
        .sentence = rows[i].sentence,
    };
    if (decision.verdict == PG_PROMOTE_FINISH || decision.verdict == PG_PROMOTE_NOTHING)
        decision.chosen = facts->named;
    if (decision.verdict == PG_PROMOTE_GO) {
        decision.chosen = facts->wanted < 0 ? picture.best : facts->wanted;
        decision.timeline = next_timeline(facts);
    }
    return decision;
}
