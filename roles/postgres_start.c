#include "roles/postgres_start.h"

#include <stddef.h>

#include "roles/cells.h"

#define EMPTY SET(PG_DATA_EMPTY)
#define HALF SET(PG_DATA_HALF)
#define NONE_YET (EMPTY | HALF)
#define STANDBY SET(PG_DATA_STANDBY)
#define PRIMARY SET(PG_DATA_PRIMARY)
#define WHOLE (STANDBY | PRIMARY)
#define REWINDING SET(PG_DATA_REWINDING)

#define SILENT SET(PG_NAMED_UNREACHABLE)
#define UNASKED SET(PG_NAMED_UNASKED)
#define NOBODY SET(PG_NAMED_NOBODY)
#define ME SET(PG_NAMED_ME)
#define OTHER SET(PG_NAMED_OTHER)

#define UNKNOWN SET(PG_UPSTREAM_UNKNOWN)
#define RECOVERING SET(PG_UPSTREAM_STANDBY)
#define OLD SET(PG_UPSTREAM_OLD)
#define STRANGER SET(PG_UPSTREAM_STRANGER)
#define READ_WRITE SET(PG_UPSTREAM_PRIMARY)

#define ANCESTOR SET(PG_RELATION_ANCESTOR)
#define DIVERGED SET(PG_RELATION_DIVERGED)
#define FORKED SET(PG_RELATION_FORKED)
#define NEWER SET(PG_RELATION_NEWER)
#define UNTOLD SET(PG_RELATION_UNKNOWN)

#define FOREIGN_ID SET(PG_IDENTITY_OTHER)

#define ALONE SET(PG_OTHERS_SILENT)
#define DATA SET(PG_OTHERS_DATA)
#define LEADER SET(PG_OTHERS_PRIMARY)

#define KEEP SET(PG_DIVERGED_KEEP)
#define DISCARD SET(PG_DIVERGED_DISCARD)
#define REWIND SET(PG_DIVERGED_REWIND)

/* A row asks for what it names; what is left out may be anything. */
struct row {
    unsigned data, named;
    enum cell first, born;
    unsigned identity;
    enum cell behind, promised, outdated, outrun, overtaken;
    unsigned upstream, relation;
    enum cell unfinished, wal_gone;
    unsigned others;
    enum cell later, birth_new, adopt;
    unsigned policy;
    enum cell kept, rewindable;
    enum pg_action action;
    const char *sentence;
};

/* clang-format off */
static const struct row rows[] = {
    /* --- what no pod may start on, whoever is named */
    {.data = SET(PG_DATA_FOREIGN),
     .action = PG_REFUSE, .sentence =
         "PGDATA holds files and no Postgres data directory: nothing is touched; move them "
         "away, or point PGDATA to a directory of its own below the volume's mount point"},
    {.data = SET(PG_DATA_RECOVERY),
     .action = PG_REFUSE, .sentence =
         "PGDATA has recovery.signal or a recovery.conf of old: a backup is being restored "
         "here; end that by hand first, then remove the file"},
    {.data = SET(PG_DATA_DAMAGED),
     .action = PG_REFUSE, .sentence =
         "PGDATA's control file (global/pg_control) is missing or damaged: nothing is started "
         "or removed; restore it, or move PGDATA away so that this pod clones anew"},
    {.data = SET(PG_DATA_UNMARKED),
     .action = PG_REFUSE, .sentence =
         "a first initdb was begun here, its mark of the end is missing, and a server was in "
         "production since: mount initdb.d of the configuration directory at "
         "/docker-entrypoint-initdb.d, and if this data is right make the mark yourself: touch "
         "\"$PGDATA.ordain-done\""},
    {.data = WHOLE | REWINDING, .identity = FOREIGN_ID,
     .action = PG_REFUSE, .sentence =
         "PGDATA has another system identifier than the register: it is another cluster's "
         "data, or that of a second initdb; nothing is touched: mount this pod's own volume, "
         "or move PGDATA away so that this pod clones"},

    /* --- the register does not answer */
    {.data = STANDBY, .named = SILENT,
     .action = PG_START_STANDBY, .sentence =
         "the register does not answer, which a standby needs not: it starts, and follows whom "
         "it followed"},
    {.data = NONE_YET | PRIMARY | REWINDING, .named = SILENT,
     .action = PG_WAIT, .sentence =
         "the register does not answer, and only it says who is the primary: no birth, no "
         "primary without it"},

    /* --- register none: the first ordinal is the primary for ever */
    {.data = HALF, .named = UNASKED, .first = YES, .others = ALONE,
     .action = PG_INITDB, .sentence =
         "a first initdb was cut short: what it left is moved aside and it begins again"},
    {.data = NONE_YET, .named = UNASKED, .first = YES, .others = DATA | LEADER,
     .action = PG_REFUSE, .sentence =
         "PGDATA is empty, and another pod of this set has data: this volume was lost; without "
         "a register nobody can take the primary's place: copy a standby's data here by hand, "
         "or use a register"},
    {.data = EMPTY, .named = UNASKED, .first = YES, .others = ALONE, .birth_new = YES,
     .action = PG_INITDB, .sentence =
         "a first install, as ORDAIN_BIRTH=new says: the image's entrypoint runs initdb"},
    {.data = EMPTY, .named = UNASKED, .first = YES,
     .action = PG_REFUSE, .sentence =
         "PGDATA is empty, and without a register nobody can tell a first install from a lost "
         "volume: set ORDAIN_BIRTH=new for a first install, or use a register"},
    {.data = PRIMARY, .named = UNASKED, .first = YES, .others = LEADER,
     .action = PG_REFUSE, .sentence =
         "another pod of this set answers as a primary, and so would this one: without a "
         "register the first ordinal alone may be it; stop the other one, or use a register "
         "with --adopt"},
    {.data = PRIMARY, .named = UNASKED, .first = YES, .overtaken = YES,
     .action = PG_REFUSE, .sentence =
         "a standby of this set has WAL of this volume's timeline that this volume has not, or has "
         "otherwise: one of the two is an old volume or a copy, and the standby may have the only "
         "rows; if this volume is the right one, stop the other pods and move their PGDATA away "
         "first; if not, copy that standby's data here by hand, or use a register"},
    {.data = PRIMARY, .named = UNASKED, .first = YES,
     .action = PG_START_PRIMARY, .sentence =
         "the first ordinal is the primary, since there is no register"},
    {.data = STANDBY | REWINDING, .named = UNASKED, .first = YES,
     .action = PG_REFUSE, .sentence =
         "without a register the first ordinal is the primary for ever, and this is a "
         "standby's data: use a register with --adopt"},

    /* --- nobody is named yet */
    {.data = NONE_YET, .named = NOBODY, .first = YES, .others = DATA | LEADER,
     .action = PG_REFUSE, .sentence =
         "the register names no primary, this volume is empty, and another pod of this set has "
         "data: nothing is begun beside it; --adopt on the pod of that primary takes it over"},
    {.data = NONE_YET, .named = NOBODY, .first = YES, .born = YES,
     .action = PG_REFUSE, .sentence =
         "this volume is empty, and the register names no primary and yet knows that a pod of "
         "this set had data: it was damaged or made anew; let it name the pod that has the data "
         "(primary=POD), or empty it whole for a first install"},
    {.data = EMPTY, .named = NOBODY, .first = YES, .others = ALONE,
     .action = PG_INITDB, .sentence =
         "nobody was born yet and this is the first ordinal: the image's entrypoint runs "
         "initdb"},
    {.data = HALF, .named = NOBODY, .first = YES, .others = ALONE,
     .action = PG_INITDB, .sentence =
         "a first initdb was cut short: what it left is moved aside and it begins again"},
    {.data = NONE_YET, .named = NOBODY, .first = NO,
     .action = PG_WAIT, .sentence =
         "the register names no primary yet: the first ordinal is born first"},
    {.data = PRIMARY, .named = NOBODY, .later = YES,
     .action = PG_REFUSE, .sentence =
         "the register names no primary, and another pod of this set has data of a later "
         "timeline: this one was replaced by a promotion; let the register name the pod that has "
         "the latest data (primary=POD), and this one follows"},
    {.data = PRIMARY, .named = NOBODY, .others = ALONE | DATA, .adopt = YES,
     .action = PG_ADOPT, .sentence =
         "a replication that ordain did not make is taken over, as asked: this pod is its "
         "primary"},
    {.data = PRIMARY, .named = NOBODY, .others = LEADER,
     .action = PG_REFUSE, .sentence =
         "the register names no primary, and another pod of this set answers as one: two "
         "primaries; adopt the one whose data is right, then move this PGDATA away"},
    {.data = PRIMARY, .named = NOBODY,
     .action = PG_REFUSE, .sentence =
         "PGDATA is a primary's and the register names nobody: the register was lost, or "
         "ordain did not make this; if this pod is the one primary, --adopt takes it over"},
    {.data = STANDBY, .named = NOBODY, .adopt = YES,
     .action = PG_START_STANDBY, .sentence =
         "a replication that ordain did not make is taken over, as asked: a standby goes on "
         "following"},
    {.data = STANDBY | REWINDING, .named = NOBODY,
     .action = PG_WAIT, .sentence =
         "PGDATA is a standby's and the register names no primary: --adopt on the primary's "
         "pod takes over a replication that ordain did not make"},

    /* --- the register names this pod */
    {.data = HALF, .named = ME, .born = YES,
     .action = PG_REFUSE, .sentence =
         "this pod's first initdb was not ended, and yet the register knows that a pod of this "
         "set had data: `ordain promote postgres` makes a pod that has it the primary; if this "
         "one's data is whole and right, make the mark of its end: touch \"$PGDATA.ordain-done\""},
    {.data = HALF, .named = ME,
     .action = PG_INITDB, .sentence =
         "this pod's first initdb was cut short: what it left is moved aside and it begins "
         "again"},
    {.data = EMPTY, .named = ME,
     .action = PG_REFUSE, .sentence =
         "the register names this pod as the primary and its volume is empty: the primary's "
         "volume was lost; `ordain promote postgres` makes a standby the primary, then this "
         "pod clones from it"},
    {.data = REWINDING, .named = ME,
     .action = PG_REFUSE, .sentence =
         "the register names this pod as the primary, and half a pg_rewind is all that it has: "
         "`ordain promote postgres` makes a standby the primary"},
    {.data = STANDBY, .named = ME, .outdated = YES,
     .action = PG_REFUSE, .sentence =
         "the register names this pod, its data is a standby's, and on a later timeline than the "
         "recorded one: the register is an older one, and another pod was the primary since; let "
         "it name that one"},
    {.data = STANDBY, .named = ME, .outrun = YES,
     .action = PG_REFUSE, .sentence =
         "the register names this pod, its data is a standby's, and another pod is on the "
         "recorded timeline already: this pod was promoted once, and its volume is an old one; "
         "`ordain promote postgres` makes a standby the primary"},
    {.data = STANDBY, .named = ME, .promised = NO,
     .action = PG_REFUSE, .sentence =
         "the register names this pod, its data is a standby's and ends before the position at "
         "which it was chosen: an old volume; `ordain promote postgres` makes a standby the "
         "primary"},
    {.data = STANDBY, .named = ME,
     .action = PG_FINISH_PROMOTION, .sentence =
         "the register names this pod and its data is still a standby's: a promotion was cut "
         "short; it starts, and is promoted then"},
    {.data = PRIMARY, .named = ME, .behind = YES,
     .action = PG_REFUSE, .sentence =
         "the register names this pod as the primary, and its timeline is older than the "
         "recorded one: an old volume or a restored backup; `ordain promote postgres` makes a "
         "standby the primary"},
    {.data = PRIMARY, .named = ME, .overtaken = YES,
     .action = PG_REFUSE, .sentence =
         "the register names this pod as the primary, and a standby has WAL of this volume's "
         "timeline that this volume has not, or has otherwise: one of the two is an old volume or a "
         "copy, and the standby may have the only rows; `ordain promote postgres` makes the pod "
         "with the latest data the primary, and this one follows; if this volume is the right one, "
         "stop the other pods and move their PGDATA away first"},
    {.data = PRIMARY, .named = ME,
     .action = PG_START_PRIMARY, .sentence =
         "the register names this pod as the primary"},

    /* --- the register names another; under none, the first ordinal */
    {.data = WHOLE | REWINDING | NONE_YET, .named = OTHER | UNASKED, .upstream = STRANGER,
     .action = PG_REFUSE, .sentence =
         "the named primary answers with another system identifier: two clusters; nothing is "
         "touched"},
    {.data = NONE_YET, .named = OTHER | UNASKED, .upstream = READ_WRITE,
     .action = PG_CLONE, .sentence =
         "PGDATA is empty and the named primary answers: it is cloned"},
    {.data = NONE_YET | REWINDING, .named = OTHER | UNASKED, .upstream = UNKNOWN,
     .action = PG_WAIT, .sentence =
         "the named primary does not answer yet, and only it can be cloned"},
    {.data = NONE_YET | REWINDING | PRIMARY, .named = OTHER | UNASKED, .upstream = RECOVERING,
     .action = PG_WAIT, .sentence =
         "the named primary is still in recovery: its promotion is under way"},
    {.data = NONE_YET | REWINDING | PRIMARY, .named = OTHER | UNASKED, .upstream = OLD,
     .action = PG_WAIT, .sentence =
         "the named primary answers on a timeline before the recorded one: its promotion is "
         "under way, or its volume is old"},
    {.data = PRIMARY, .named = OTHER | UNASKED, .upstream = UNKNOWN,
     .action = PG_WAIT, .sentence =
         "another pod is the primary now and does not answer yet: whether this pod's data went "
         "past it cannot be told"},
    {.data = STANDBY, .named = OTHER | UNASKED, .upstream = UNKNOWN | RECOVERING | OLD,
     .action = PG_START_STANDBY, .sentence =
         "a standby starts at any time, and follows the named primary once that one answers"},
    {.data = STANDBY, .named = OTHER | UNASKED, .upstream = READ_WRITE,
     .relation = ANCESTOR | UNTOLD, .unfinished = YES, .wal_gone = YES,
     .action = PG_CLONE_DISCARD, .sentence =
         "this clone was never whole, and the WAL that would have made it so is gone: it is "
         "cloned anew"},
    {.data = STANDBY, .named = OTHER | UNASKED, .upstream = READ_WRITE, .relation = ANCESTOR,
     .wal_gone = YES, .policy = DISCARD,
     .action = PG_CLONE_DISCARD, .sentence =
         "the named primary has removed the WAL that this standby needs next: it is cloned "
         "anew, and the old directory removed once the clone is whole, as asked"},
    {.data = STANDBY, .named = OTHER | UNASKED, .upstream = READ_WRITE, .relation = ANCESTOR,
     .wal_gone = YES,
     .action = PG_START_STANDBY, .sentence =
         "the named primary has removed the WAL that this standby needs next: it starts, and "
         "will not be ready; set ORDAIN_PG_DIVERGED=discard, or remove its PGDATA, and it is "
         "cloned anew"},
    {.data = STANDBY, .named = OTHER | UNASKED, .upstream = READ_WRITE, .relation = ANCESTOR,
     .action = PG_START_STANDBY, .sentence =
         "all of this standby's WAL is the named primary's: it follows it"},
    {.data = STANDBY, .named = OTHER | UNASKED, .upstream = READ_WRITE, .relation = UNTOLD,
     .action = PG_START_STANDBY, .sentence =
         "a standby starts; that it diverged could not be told, and it is not ready unless it "
         "streams"},
    {.data = PRIMARY, .named = OTHER | UNASKED, .upstream = READ_WRITE, .relation = ANCESTOR,
     .action = PG_BECOME_STANDBY, .sentence =
         "this pod was the primary and wrote nothing past the point where the named one took "
         "over: it becomes its standby with the data that it has"},
    {.data = PRIMARY, .named = OTHER | UNASKED, .upstream = READ_WRITE, .relation = UNTOLD,
     .action = PG_WAIT, .sentence =
         "this pod was the primary, and where its WAL ends cannot be told"},
    {.data = WHOLE, .named = OTHER | UNASKED, .upstream = READ_WRITE, .relation = NEWER,
     .action = PG_REFUSE, .sentence =
         "PGDATA is of a later timeline than the named primary's: a promotion that the "
         "register does not know of, or an old primary; nothing follows backwards"},
    /* A promotion decides whose data goes on; here there was none. */
    {.data = WHOLE, .named = OTHER | UNASKED, .upstream = READ_WRITE, .relation = FORKED,
     .action = PG_REFUSE, .sentence =
         "PGDATA has WAL of the named primary's own timeline that the primary has not, or has "
         "otherwise: one of the two volumes is an old one or a copy, and the other may have the "
         "only rows; if the primary's data is right, move this PGDATA away and the pod clones; "
         "if this pod's is, move the primary's away, then `ordain promote postgres`"},
    {.data = WHOLE, .named = OTHER | UNASKED, .upstream = READ_WRITE, .relation = DIVERGED,
     .policy = REWIND, .rewindable = YES,
     .action = PG_REWIND, .sentence =
         "this pod's data went past the point where the named primary took over: pg_rewind "
         "takes it back, as asked"},
    {.data = WHOLE | REWINDING, .named = OTHER | UNASKED, .upstream = READ_WRITE,
     .policy = DISCARD,
     .action = PG_CLONE_DISCARD, .sentence =
         "this pod's data went past the point where the named primary took over: it is cloned "
         "anew, and the old directory removed once the clone is whole, as asked"},
    {.data = WHOLE | REWINDING, .named = OTHER | UNASKED, .upstream = READ_WRITE,
     .policy = KEEP | REWIND, .kept = YES,
     .action = PG_REFUSE, .sentence =
         "this pod's data went past the point where the named primary took over, and an "
         "earlier diverged directory is kept already: look at PGDATA.diverged-*, save or "
         "remove it, or set ORDAIN_PG_DIVERGED=discard"},
    {.data = WHOLE | REWINDING, .named = OTHER | UNASKED, .upstream = READ_WRITE,
     .policy = KEEP | REWIND, .kept = NO,
     .action = PG_CLONE_KEEP, .sentence =
         "this pod's data went past the point where the named primary took over: it is cloned "
         "anew, and the old directory kept beside it"},
};
/* clang-format on */

#define ROW_COUNT (sizeof rows / sizeof rows[0])

static bool matches(const struct row *row, const struct pg_start_facts *facts)
{
    return in(row->data, facts->data) && in(row->named, facts->named) &&
           is(row->first, facts->first) && is(row->born, facts->born) &&
           in(row->identity, facts->identity) && is(row->behind, facts->behind_record) &&
           is(row->promised, facts->promised) && is(row->outdated, facts->outdated) &&
           is(row->outrun, facts->outrun) && is(row->overtaken, facts->overtaken) &&
           in(row->upstream, facts->upstream) && in(row->relation, facts->relation) &&
           is(row->unfinished, facts->unfinished) && is(row->wal_gone, facts->wal_gone) &&
           in(row->others, facts->others) && is(row->birth_new, facts->birth_is_new) &&
           is(row->later, facts->later_told) && is(row->adopt, facts->adopt) &&
           in(row->policy, facts->policy) && is(row->kept, facts->kept_before) &&
           is(row->rewindable, facts->rewindable);
}

struct pg_start_decision postgres_start_decide(const struct pg_start_facts *facts)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (matches(&rows[i], facts))
            return (struct pg_start_decision){rows[i].action, (int)i, rows[i].sentence};
    /* The unit test walks through every input: the table has no gap. */
    return (struct pg_start_decision){PG_REFUSE, -1, "the table of decisions has a gap"};
}

bool postgres_start_is_local(const struct pg_start_facts *facts)
{
    struct pg_start_facts asked = *facts;
    int row = -1;
    for (int i = 0; i < 4 * PG_UPSTREAM_VALUES * PG_RELATION_VALUES * PG_OTHERS_VALUES; i++) {
        asked.outrun = i % 2 != 0;
        asked.overtaken = i / 2 % 2 != 0;
        asked.upstream = (enum pg_upstream)(i / 4 % PG_UPSTREAM_VALUES);
        asked.relation = (enum pg_relation)(i / 4 / PG_UPSTREAM_VALUES % PG_RELATION_VALUES);
        asked.others = (enum pg_others)(i / 4 / PG_UPSTREAM_VALUES / PG_RELATION_VALUES);
        int its = postgres_start_decide(&asked).row;
        if (i > 0 && its != row)
            return false;
        row = its;
    }
    return true;
}
