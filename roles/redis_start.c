#include "roles/redis_start.h"

#include <stddef.h>

#include "roles/cells.h"

#define ALL_FILES (SET(START_FILE_VALUES) - 1)
#define ALL_MARKS (SET(START_MARK_VALUES) - 1)
#define ALL_REGISTERS (SET(START_REGISTER_VALUES) - 1)
#define ALL_HEARD (SET(START_HEARD_VALUES) - 1)

#define ABSENT SET(START_FILE_ABSENT)
#define TORN SET(START_FILE_TORN)
#define WHOLE SET(START_FILE_WHOLE)
#define GONE (ABSENT | TORN)
#define OTHER_CLUSTER SET(START_MARK_OTHER_CLUSTER)
#define OTHER_SPEC SET(START_MARK_OTHER_SPEC)
#define OTHER_POD SET(START_MARK_OTHER_POD)
#define SEEDING SET(START_MARK_SEEDING)
#define BORN SET(START_MARK_BORN)
#define NONE SET(START_REGISTER_NONE)
#define SILENT SET(START_REGISTER_UNREACHABLE)
#define UNSEEDED SET(START_REGISTER_UNSEEDED)
#define SEEDED SET(START_REGISTER_SEEDED)
#define HEARD SET(START_HEARD_YES)
#define NEVER SET(START_HEARD_NO)
#define MUTE SET(START_HEARD_SILENT)

struct row {
    enum cell lives;
    unsigned mark, file;
    enum cell ours, mendable, keys, beyond;
    unsigned seeded, heard;
    enum cell birth_new, adopt, reborn;
    enum start_action action;
    const char *sentence;
};

static const char sentence_lives[] = "a server that is alive holds this volume: nothing is changed";
static const char sentence_cluster[] =
    "the volume belongs to another cluster (ordain.birth names it)";
static const char sentence_other[] =
    "the volume belongs to another pod of this cluster, and two servers of one id would both take "
    "its writes: mount this pod's own";
static const char sentence_spec[] = "the volume was born with other replicas, masters, zones or "
                                    "first ordinal; these are constants of "
                                    "a cluster: set them back, scaling needs no change of them";
static const char sentence_reborn[] =
    "this pod holds its shard's data, and its master answers empty and has never heard of it: the "
    "master's volume was lost and seeded anew; take ORDAIN_BIRTH=new away, empty the master's "
    "volume "
    "but for ordain.birth and restart it, or go on empty with --accept-empty-shard";
static const char sentence_restart[] = "nodes.conf is whole: it starts with today's addresses";
static const char sentence_adopt[] = "a cluster that ordain did not make is taken over, as asked";
static const char sentence_foreign[] = "nodes.conf is of another node than this pod's; --adopt "
                                       "takes over a cluster that ordain did not "
                                       "make";
static const char sentence_mend[] =
    "nodes.conf is torn or gone: it is mended from its own whole rows, then from the copy";
static const char sentence_no_mend[] =
    "nodes.conf is torn and neither it nor the copy (nodes.conf.ordain) holds this node's own row; "
    "put a good copy back, or delete nodes.conf, its copy, ordain.birth and all data to join anew, "
    "empty";
static const char sentence_keys[] =
    "the volume holds keys and no nodes.conf: put nodes.conf back, or move the data away";
static const char sentence_heard[] =
    "the volume is empty, and a peer has heard of this pod: its volume is lost; it joins anew as a "
    "replica, never under the old id";
static const char sentence_seeded[] = "the volume is empty, and the register knows this pod's "
                                      "birth: its volume is lost; it joins anew "
                                      "as a replica, never under the old id";
static const char sentence_born[] =
    "the volume has the mark of a birth and no nodes.conf: it is lost; it joins anew as a replica, "
    "never under the old id";
static const char sentence_resume[] =
    "a birth was cut short on this volume before any server started: "
    "it is finished";
static const char sentence_wait[] =
    "the volume is empty, and the register cannot be asked whether it ever was full";
static const char sentence_mute[] =
    "the volume is empty, there is no register, and a peer that may know this pod cannot say so";
static const char sentence_single[] =
    "this pod was not there at the birth: it starts without slots and is joined later";
static const char sentence_seed[] = "first start of this pod: the birth table is written";
static const char sentence_none[] =
    "the volume is empty, and without a register nobody knows whether it ever was full: set "
    "ORDAIN_BIRTH=new if this is a first install, or set ORDAIN_REGISTER";

/* clang-format off */
/*  lives mark           file   ours mend keys beyond seeded           heard      new  adopt reborn  action         sentence */
static const struct row table[] = {
    {YES, ALL_MARKS,     ALL_FILES, ANY, ANY, ANY, ANY, ALL_REGISTERS, ALL_HEARD, ANY, ANY, ANY, START_WAIT,    sentence_lives},
    {ANY, OTHER_CLUSTER, ALL_FILES, ANY, ANY, ANY, ANY, ALL_REGISTERS, ALL_HEARD, ANY, ANY, ANY, START_REFUSE,  sentence_cluster},
    {ANY, OTHER_POD,     ALL_FILES, ANY, ANY, ANY, ANY, ALL_REGISTERS, ALL_HEARD, ANY, ANY, ANY, START_REFUSE,  sentence_other},
    {ANY, OTHER_SPEC,    ALL_FILES, ANY, ANY, ANY, ANY, ALL_REGISTERS, ALL_HEARD, ANY, ANY, ANY, START_REFUSE,  sentence_spec},
    {ANY, ALL_MARKS,     WHOLE,     YES, ANY, YES, ANY, ALL_REGISTERS, ALL_HEARD, ANY, ANY, YES, START_REFUSE,  sentence_reborn},
    {ANY, ALL_MARKS,     WHOLE,     YES, ANY, ANY, ANY, ALL_REGISTERS, ALL_HEARD, ANY, ANY, ANY, START_RESTART, sentence_restart},
    {ANY, ALL_MARKS,     WHOLE,     NO,  ANY, ANY, ANY, ALL_REGISTERS, ALL_HEARD, ANY, YES, ANY, START_ADOPT,   sentence_adopt},
    {ANY, ALL_MARKS,     WHOLE,     NO,  ANY, ANY, ANY, ALL_REGISTERS, ALL_HEARD, ANY, ANY, ANY, START_REFUSE,  sentence_foreign},
    {ANY, ALL_MARKS,     GONE,      ANY, YES, ANY, ANY, ALL_REGISTERS, ALL_HEARD, ANY, ANY, ANY, START_MEND,    sentence_mend},
    {ANY, ALL_MARKS,     TORN,      ANY, ANY, ANY, ANY, ALL_REGISTERS, ALL_HEARD, ANY, ANY, ANY, START_REFUSE,  sentence_no_mend},
    {ANY, ALL_MARKS,     ABSENT,    ANY, ANY, YES, ANY, ALL_REGISTERS, ALL_HEARD, ANY, ANY, ANY, START_REFUSE,  sentence_keys},
    {ANY, ALL_MARKS,     ABSENT,    ANY, ANY, ANY, ANY, ALL_REGISTERS, HEARD,     ANY, ANY, ANY, START_LOST,    sentence_heard},
    {ANY, BORN,          ABSENT,    ANY, ANY, ANY, ANY, ALL_REGISTERS, ALL_HEARD, ANY, ANY, ANY, START_LOST,    sentence_born},
    {ANY, SEEDING,       ABSENT,    ANY, ANY, ANY, NO,  ALL_REGISTERS, ALL_HEARD, ANY, ANY, ANY, START_SEED,    sentence_resume},
    {ANY, ALL_MARKS,     ABSENT,    ANY, ANY, ANY, ANY, SEEDED,        ALL_HEARD, ANY, ANY, ANY, START_LOST,    sentence_seeded},
    {ANY, ALL_MARKS,     ABSENT,    ANY, ANY, ANY, ANY, SILENT,        ALL_HEARD, ANY, ANY, ANY, START_WAIT,    sentence_wait},
    {ANY, ALL_MARKS,     ABSENT,    ANY, ANY, ANY, ANY, NONE,          MUTE,      ANY, ANY, ANY, START_WAIT,    sentence_mute},
    {ANY, ALL_MARKS,     ABSENT,    ANY, ANY, ANY, YES, UNSEEDED,      ALL_HEARD, ANY, ANY, ANY, START_SINGLE,  sentence_single},
    {ANY, ALL_MARKS,     ABSENT,    ANY, ANY, ANY, YES, NONE,          NEVER,     ANY, ANY, ANY, START_SINGLE,  sentence_single},
    {ANY, ALL_MARKS,     ABSENT,    ANY, ANY, ANY, YES, NONE,          ALL_HEARD, YES, ANY, ANY, START_SINGLE,  sentence_single},
    {ANY, ALL_MARKS,     ABSENT,    ANY, ANY, ANY, ANY, UNSEEDED,      ALL_HEARD, ANY, ANY, ANY, START_SEED,    sentence_seed},
    {ANY, ALL_MARKS,     ABSENT,    ANY, ANY, ANY, ANY, NONE,          ALL_HEARD, YES, ANY, ANY, START_SEED,    sentence_seed},
    {ANY, ALL_MARKS,     ALL_FILES, ANY, ANY, ANY, ANY, ALL_REGISTERS, ALL_HEARD, ANY, ANY, ANY, START_REFUSE,  sentence_none},
};
/* clang-format on */

static bool row_fits(const struct row *row, const struct start_facts *facts)
{
    return is(row->lives, facts->server_lives) && in(row->mark, facts->mark) &&
           in(row->file, facts->file) && is(row->ours, facts->id_is_ours) &&
           is(row->mendable, facts->mendable) && is(row->keys, facts->has_keys) &&
           is(row->beyond, facts->beyond_birth) && in(row->seeded, facts->seeded) &&
           in(row->heard, facts->heard) && is(row->birth_new, facts->birth_is_new) &&
           is(row->adopt, facts->adopt) && is(row->reborn, facts->master_reborn);
}

struct start_decision redis_start_decide(const struct start_facts *facts)
{
    size_t last = sizeof(table) / sizeof(table[0]) - 1;
    size_t index = 0;
    while (index < last && !row_fits(&table[index], facts))
        index++;
    return (struct start_decision){table[index].action, (int)index, table[index].sentence};
}

bool redis_start_is_local(const struct start_facts *facts)
{
    enum start_action action = redis_start_decide(facts).action;
    struct start_facts other = *facts;
    for (int seeded = 0; seeded < START_REGISTER_VALUES; seeded++) {
        for (int heard = 0; heard < START_HEARD_VALUES; heard++) {
            for (int reborn = 0; reborn < 2; reborn++) {
                other.seeded = (enum start_register)seeded;
                other.heard = (enum start_heard)heard;
                other.master_reborn = reborn != 0;
                if (redis_start_decide(&other).action != action)
                    return false;
            }
        }
    }
    return true;
}

bool redis_start_needs_register(const struct start_facts *facts)
{
    struct start_facts other = *facts;
    for (int heard = 0; heard < START_HEARD_VALUES; heard++) {
        for (int reborn = 0; reborn < 2; reborn++) {
            other.heard = (enum start_heard)heard;
            other.master_reborn = reborn != 0;
            other.seeded = START_REGISTER_NONE;
            enum start_action without = redis_start_decide(&other).action;
            for (int seeded = 0; seeded < START_REGISTER_VALUES; seeded++) {
                other.seeded = (enum start_register)seeded;
                if (redis_start_decide(&other).action != without)
                    return true;
            }
        }
    }
    return false;
}

const char *redis_start_action_name(enum start_action action)
{
    static const char *const names[START_ACTIONS] = {
        [START_SEED] = "seed",       [START_SINGLE] = "join later", [START_LOST] = "lost volume",
        [START_RESTART] = "restart", [START_MEND] = "mend",         [START_ADOPT] = "adopt",
        [START_WAIT] = "wait",       [START_REFUSE] = "refuse",
    };
    return names[action];
}
